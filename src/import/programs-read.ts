import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { readIfThere } from '../host/files.ts';
import { linkOf, variableNamesOf, variablesOf } from '../host/procfs.ts';
import type { Position, Problem } from '../problem.ts';
import { readConfig, type SupervisordConfig } from '../supervisors/supervisord/config-file.ts';
import { expand } from '../supervisors/supervisord/expand.ts';
import { type Option, positionOf, type Section, sourceOf } from '../supervisors/supervisord/ini.ts';
import { processOf } from '../supervisors/supervisord/process.ts';
import type { Refused } from './found.ts';
import { shownProblem } from './programs-losses.ts';

export interface ReadOptions {
  /** What `%(ENV_X)s` refers to, where no supervisord of this configuration runs to be asked. */
  readonly environment?: (name: string) => string | undefined;
  /** Where relative paths begin, where none runs. */
  readonly cwd?: string;
}

/** A configuration as far as it makes sense. */
export interface WellRead {
  readonly config: SupervisordConfig;
  /** Files that make none as a whole: nothing of them is in `config`, but where it is the main file. */
  readonly refused: readonly Refused[];
  /** What its supervisord has in its environment; undefined where that is not known. */
  readonly environment: ((name: string) => string | undefined) | undefined;
  /** Names of what its programs have from that without a word, where it runs. */
  readonly inherited: readonly string[];
  /** Where it runs, or would: relative paths are relative to that. */
  readonly cwd: string;
  /** Of the files that were refused. */
  isRefused(path: string): boolean;
}

/**
 * Reads a configuration without the files that supervisord itself would refuse it for, and without templates that
 * somebody has yet to fill in: what the other files say is as it would be without them.
 */
export function readWell(path: string, options: ReadOptions): WellRead {
  const main = resolve(path);
  const first = readConfig(main, options);
  const pid = processOf(first.path, first.server.pidfile);
  const environment = options.environment ?? (pid === undefined ? undefined : variablesOf(pid));
  const began = options.cwd ?? '/';
  // It goes there as it goes into the background.
  const would = first.server.nodaemon ? began : resolve(began, first.server.directory ?? '');
  const cwd = (pid === undefined ? undefined : linkOf(pid, 'cwd')) ?? would;
  const bad = badFiles(first);
  const read = {
    cwd: began,
    skip: (file: string) => bad.has(file),
    ...(environment === undefined ? {} : { environment }),
  };
  return {
    config: readConfig(main, read),
    refused: [...bad].map(([file, problem]) => ({
      kind: 'refused',
      origin: { kind: 'file', path: file },
      problem: shownProblem(problem),
    })),
    environment,
    inherited: pid === undefined ? [] : variableNamesOf(pid).filter((name) => !USUAL.test(name)),
    cwd,
    isRefused: (file) => bad.has(file),
  };
}

/** What every process has, by whatever it was started. */
const USUAL =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|PWD|OLDPWD|SHLVL|_|TERM|MAIL|HOSTNAME|INVOCATION_ID|JOURNAL_STREAM|MANAGERPID|NOTIFY_SOCKET|LS_COLORS|(SYSTEMD|LISTEN|WATCHDOG|MEMORY_PRESSURE|SUPERVISOR|RECONCILED|SUDO|SSH|XDG)_.*)$/;

/** Those with a line that no parser takes, that can't be read, and templates. */
function badFiles(config: SupervisordConfig): ReadonlyMap<string, Problem> {
  const bad = new Map<string, Problem>();
  const ofSections = new Set([...config.faults.values()].flat().map(({ summary }) => summary));
  const whole = config.problems.filter(({ summary }) => !ofSections.has(summary));
  for (const file of [...config.files, ...whole.flatMap(({ at, file }) => at?.file ?? file ?? [])]) {
    if (bad.has(file)) continue;
    const statement = statementIn(file);
    if (statement !== undefined) {
      bad.set(file, template(`cannot import ${file}: it is a template`, statement));
      continue;
    }
    const about = whole.filter((problem) => (problem.at?.file ?? problem.file) === file && !lacksMain(problem, config));
    const [first, ...others] = about;
    if (first === undefined) continue;
    const more = others.map(({ summary, at }) => `${at === undefined ? '' : `line ${at.line}: `}${summary}`).join('\n');
    bad.set(file, {
      ...first,
      ...(more === '' ? {} : { detail: more }),
      hint: first.hint ?? hintFor(first),
    });
  }
  return bad;
}

function hintFor({ at }: Problem): string {
  return at === undefined ? 'name the main file of a supervisord, or one that it includes' : MEND;
}

/** Where supervisord takes nothing at all. */
export const MEND = 'mend it, then import it: supervisord itself would not start with this';

/** A part of a configuration is as good as a whole: somebody has named one file of many. */
export function lacksMain({ at, file, code }: Problem, config: SupervisordConfig): boolean {
  return at === undefined && file === config.path && code === 'supervisord-refuses' && config.files.length > 0;
}

const STATEMENT = /^\s*(\{%.*|\{#.*|<%.*)/;
/** A variable of Jinja's; what Go's templates write, `{{.ID}}` and `{{json .}}`, is for the program that is run. */
const VARIABLE = /\{\{[-+]?\s*[A-Za-z_][\w.]*(\[[^\]]*\]|\([^)]*\))*\s*([|~+-][^}]*)?\}\}|\{%/;

function statementIn(file: string): Position | undefined {
  let text: string | undefined;
  try {
    text = readIfThere(file);
  } catch {
    return undefined;
  }
  const source = sourceOf(file, text ?? '');
  const line = 1 + source.lines.findIndex((each) => STATEMENT.test(each));
  return line === 0 ? undefined : positionOf({ source, line });
}

/** Where a section is one that is yet to be filled in; undefined where it is none. */
export function templateIn(section: Section): Problem | undefined {
  const at = VARIABLE.test(section.name)
    ? positionOf(section)
    : [...section.options.values()].flatMap((option) => (VARIABLE.test(option.value) ? [placeOf(option)] : []))[0];
  return at === undefined ? undefined : template(`cannot import [${section.name}]: it is a template`, at);
}

/** Of a value of several lines the first is shown. */
function placeOf(option: Option): Position {
  return positionOf(option, option.name);
}

function template(summary: string, at: Position): Problem {
  const hint = 'import what it is made into, on the host that it is made for';
  return { code: 'template', summary, at, hint };
}

/** The folder that `%(here)s` of its main file stands for. */
export function hereOf({ path }: SupervisordConfig): string {
  return dirname(path);
}

/** An option of a section that is the same for all its processes, with its variables in place. */
export function textOf(
  { config, environment }: WellRead,
  section: Section,
  option: string,
  names: { readonly program: string; readonly group: string },
): string | undefined {
  const written = section.options.get(option) ?? config.defaults.get(option);
  if (written === undefined) return undefined;
  const variables = new Map([
    ['here', hereOf(config)],
    ['program_name', names.program],
    ['group_name', names.group],
    ['host_node_name', hostname()],
  ]);
  const expansion = expand(written.value, (name) => {
    if (variables.has(name)) return variables.get(name);
    const key = name.startsWith('ENV_') ? name.slice('ENV_'.length) : undefined;
    return key === undefined ? undefined : (config.server.environment[key] ?? environment?.(key));
  });
  return expansion.kind === 'text' ? expansion.text : undefined;
}
