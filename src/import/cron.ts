import { resolve } from 'node:path';
import type { Json } from '../canonical.ts';
import { homeOf, userOf } from '../graph/accounts.ts';
import { CRON_PLACES, type CronPlaces, type Crontab, jobIn, readCrontabs } from '../graph/crontabs.ts';
import type { Processes } from '../graph/processes.ts';
import { lookalikes } from '../graph/strays.ts';
import type { SupervisorName } from '../model.ts';
import type { Position, Problem } from '../problem.ts';
import { maskText, SECRET_KEY } from '../secrets.ts';
import { findProgram, nameOfCommand, startsAnother } from './command-line.ts';
import type { Found, Loss, Origin } from './found.ts';
import { readShellLine, type ShellLine } from './shell-line.ts';

export interface CronOptions {
  /** Who is to run what they start. */
  readonly supervisor: SupervisorName;
  /** What of it runs now is named, so that it is never started beside that. */
  readonly processes: Processes;
  readonly places?: CronPlaces;
}

/** Where cron looks for programs, and what it runs lines with. */
const PATH = '/usr/bin:/bin';
const SHELL = '/bin/sh';

/** What the lines of crontabs start at boot (`@reboot`), and in words what could not be read. Reads only. */
export function importCron({ supervisor, processes, places = CRON_PLACES }: CronOptions): {
  readonly found: readonly Found[];
  readonly unreadable: readonly string[];
} {
  const { tabs, unreadable } = readCrontabs(places);
  return { found: tabs.flatMap((tab) => foundIn(tab, supervisor, processes)), unreadable };
}

type Variables = Readonly<Record<string, string>>;

function foundIn({ path, text, user }: Crontab, supervisor: SupervisorName, processes: Processes): Found[] {
  let variables: Variables = {};
  return text.split('\n').flatMap((line, i): Found[] => {
    const [, name, value] = /^\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) variables = { ...variables, [name]: unquoted(value) };
    if (!/^\s*@reboot\s/i.test(line)) return [];
    const job = jobIn(line.replace(/@reboot/i, '@reboot'), user);
    const column = 1 + line.length - line.trimStart().length;
    const at: Position = { file: path, line: i + 1, column, length: '@reboot'.length, excerpt: line };
    const origin: Origin = { kind: 'cron', line: line.trim(), at };
    if (job === undefined) {
      return [refused(origin, at, 'it names no command', 'write a user and a command, or remove the line')];
    }
    // Of users others than us a crontab is not ours to take over.
    if (globalThis.process.getuid?.() !== 0 && userOf(globalThis.process.getuid?.() ?? 0) !== job.user) return [];
    return [foundOf(origin, at, job, variables, supervisor, processes)];
  });
}

/** Cron takes the quotes off, where both are there. */
function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
}

function refused(origin: Origin, at: Position, why: string, hint: string): Found {
  const problem: Problem = { code: 'cannot-import', summary: `cannot import this line: ${why}`, at, hint };
  return { kind: 'refused', origin, problem };
}

function foundOf(
  origin: Extract<Origin, { kind: 'cron' }>,
  at: Position,
  { user, command: text }: { readonly user: string; readonly command: string },
  variables: Variables,
  supervisor: SupervisorName,
  processes: Processes,
): Found {
  const home = variables.HOME ?? homeOf(user);
  if (home === undefined)
    return refused(origin, at, `there is no user '${user}'`, `make the user, or write another one`);
  const read = readShellLine(text, variables.SHELL ?? SHELL);
  const another = read.shell ? undefined : startsAnother(read.command);
  if (another !== undefined) {
    const hint = 'import what it starts, and then remove this line';
    return refused(
      origin,
      at,
      `${another} starts something else and ends: nothing of it is there to be kept running`,
      hint,
    );
  }
  const { MAILTO, SHELL: _, HOME: __, LOGNAME: ___, USER: ____, ...given } = variables;
  const all = { ...given, ...read.environment };
  const isSecret = (key: string) => SECRET_KEY.test(key);
  const entries = Object.entries(all);
  const environment = Object.fromEntries([
    ...entries.filter(([key]) => !isSecret(key)),
    ...(variables.HOME === undefined ? [] : [['HOME', home] as const]),
  ]);
  const secrets = Object.fromEntries(entries.filter(([key]) => isSecret(key)));
  const directory = resolve(home, (read.directory ?? '.').replace(/^~(?=\/|$)/, home));
  const command = resolved(read, all.PATH ?? PATH);
  const running = runningOf(command, directory, user, processes);
  const root = process.getuid?.() === 0;
  const service: Record<string, Json> = {
    supervisor,
    state: 'running',
    command: [...command],
    directory,
    ...(root && user !== 'root' ? { user } : {}),
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    restart: { policy: 'never' },
    ...logsOf(read),
    supersedes: [
      { cron: origin.line },
      ...running.map(({ argv }): Json => ({ process: [...argv], ...(root ? { user } : {}) })),
    ],
  };
  const comments = new Map([
    ['restart', 'cron starts it once at boot and never again: without this line it is kept running'],
    ['state', stateComment(running.map(({ pid }) => pid))],
    ...(read.shell ? [['command', 'A shell, as cron runs it: it does more than run one program.'] as const] : []),
  ]);
  return {
    kind: 'imported',
    origin,
    name: nameOfCommand(read.shell ? firstOf(text, read.command) : command),
    service,
    comments,
    secrets,
    losses: lossesOf(read, origin.line, MAILTO, at),
  };
}

function stateComment(pids: readonly number[]): string {
  if (pids.length > 0) return `It runs now (pid ${pids.join(', ')}), as \`supersedes\` says.`;
  return 'Nothing of it was seen to run: it is started once when it is taken over, and at each boot.';
}

/** The same program as cron finds, also where our PATH has another one first. */
function resolved({ command, shell }: ShellLine, path: string): readonly string[] {
  const [program = '', ...args] = command;
  if (shell) return command;
  return [findProgram(program, path) ?? program, ...args];
}

/** A shell's text is called by the first program in it. */
function firstOf(text: string, command: readonly string[]): readonly string[] {
  const words = text.replace(/^\s*(sleep\s+\S+\s*(?:;|&&)|cd\s+\S+\s*(?:;|&&)|exec|nohup|\()*\s*/, '').split(/\s+/);
  return words[0] === undefined || words[0] === '' ? command : words;
}

function runningOf(command: readonly string[], directory: string, user: string, processes: Processes) {
  const declared = { id: 'cron', supervisor: 'builtin', command, directory, user, supersedes: [] } as const;
  const alike = lookalikes([declared], processes).filter(({ match }) => match.kind === 'exact');
  return [...new Map(alike.map(({ process }) => [process.argv.join('\0'), process])).values()];
}

function logsOf({ stdout, stderr }: ShellLine): { readonly logs?: Json } {
  if (stdout === undefined && stderr === undefined) return {};
  return { logs: { ...(stdout === undefined ? {} : { stdout }), ...(stderr === undefined ? {} : { stderr }) } };
}

function lossesOf({ dropped }: ShellLine, line: string, mailTo: string | undefined, at: Position): readonly Loss[] {
  const [input] = /(?<!\\)%.*$/.exec(line) ?? [];
  const why = 'cron gives it what is behind the first % to read, and no supervisor does';
  const read: readonly Loss[] = input === undefined ? [] : [{ key: '%', value: maskText(input), at, why }];
  const others = dropped
    .filter(({ same }) => !same)
    .map(({ text, why }): Loss => ({ key: 'command', value: maskText(text), at, why }));
  const losses = [...read, ...others];
  if (mailTo === undefined || mailTo === '') return losses;
  return [
    ...losses,
    { key: 'MAILTO', value: mailTo, at, why: 'what it prints is no longer sent by mail: it is in its log' },
  ];
}
