import { isAbsolute, resolve } from 'node:path';
import type { Json } from '../canonical.ts';
import { accountOf } from '../supervisors/supervisord/account.ts';
import type { SupervisordConfig } from '../supervisors/supervisord/config-file.ts';
import type { Option } from '../supervisors/supervisord/ini.ts';
import type { Group } from '../supervisors/supervisord/native-groups.ts';
import type { Process, Program } from '../supervisors/supervisord/programs.ts';
import { integer } from '../supervisors/supervisord/python.ts';
import { formatDuration } from '../units.ts';
import type { Loss } from './found.ts';
import { commandOf } from './programs-command.ts';
import { type IsSecret, variablesOf } from './programs-environment.ts';
import { logsOf } from './programs-logs.ts';
import { idleOf, lossOf } from './programs-losses.ts';
import { rawLinesOf, signalWord } from './programs-raw.ts';
import { nameFor } from './service-names.ts';

export interface ServiceAround {
  readonly config: SupervisordConfig;
  readonly group: Group;
  readonly priority: number;
  /** The stem of the service's file. */
  readonly name: string;
  readonly supervisor: string;
  readonly cwd: string;
  readonly logDir: string;
  /** Where supervisord looks for programs, where that is known and not where ours are looked for. */
  readonly path: string | undefined;
  readonly isSecret: IsSecret;
  /** What is written, in its section or for all, in its order. */
  readonly written: readonly Option[];
  readonly textOf: (name: string) => string | undefined;
}

export interface ServiceMade {
  readonly service: Readonly<Record<string, Json>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly losses: readonly Loss[];
  readonly comments: ReadonlyMap<string, string>;
}

/** The service that means to supervisord what one process of a program means. */
export function serviceOf(
  program: Program,
  process: Process,
  command: readonly string[],
  around: ServiceAround,
): ServiceMade {
  const { config, group, cwd, written, supervisor } = around;
  const { options } = program;
  const losses: Loss[] = [];
  const comments = new Map<string, string>();
  const optionOf = (key: string) => written.find((option) => option.name === key);
  const lose = (key: string, why: string) => {
    const option = optionOf(key);
    losses.push(option === undefined ? { key, why } : lossOf(option, why));
  };

  const { environment, secrets, odd, lost } = variablesOf(process.environment, around.isSecret);
  for (const [key, why] of lost) {
    const option = optionOf('environment');
    losses.push({
      ...(option === undefined ? {} : lossOf(option, why)),
      key: `environment: ${key}`,
      value: '***',
      why,
    });
  }
  const variables = {
    ...(around.path === undefined || process.environment.PATH !== undefined ? {} : { PATH: around.path }),
    ...environment,
  };
  const run = commandOf(command, secrets, process.environment, around.isSecret);
  if (run.comment !== undefined) comments.set('command', run.comment);
  const directory = directoryOf(process.directory, cwd);
  if (directory !== undefined && /[\n]/.test(directory)) lose('directory', 'a path here is on one line');
  const user = userOf(options.user, config.server.user, lose);
  const umask = options.umask ?? (isSaid(config, 'umask') ? config.server.umask : undefined);
  const logs = logsOf(program, process, { ...around, optionOf, isListener: group.kind === 'eventlistener' });
  for (const [option, why] of logs.lost) lose(option, why);
  for (const [key, because] of logs.idle)
    losses.push(...[optionOf(key) ?? []].flat().map((option) => idleOf(option, because)));
  if (options.serverurl !== undefined) lose('serverurl', 'a program of ours is told where its own supervisord is');
  const raw = rawLinesOf(program, process, { ...around, logs: logs.raw });
  const stop = stopOf(options);
  const start = startOf(options);
  const service = {
    ...(group.kind === 'group' ? { group: nameFor(group.name) } : {}),
    supervisor,
    ...(options.autostart ? {} : { state: 'manual' }),
    command: odd.length === 0 ? run.command : ['/usr/bin/env', '--', ...odd, ...run.command],
    ...(directory === undefined || directory.includes('\n') ? {} : { directory }),
    ...(user === undefined ? {} : { user }),
    ...(umask === undefined || (umask & 0o777) === 0o022 ? {} : { umask: octal(umask) }),
    ...(Object.keys(variables).length === 0 ? {} : { environment: variables }),
    ...(start === undefined ? {} : { start }),
    ...(stop === undefined ? {} : { stop }),
    ...(options.autorestart === true ? {} : { restart: { policy: options.autorestart ? 'on-failure' : 'never' } }),
    ...(Object.keys(logs.logs).length === 0 ? {} : { logs: logs.logs }),
    ...(raw.length === 0 ? {} : { raw: { supervisord: raw } }),
  } satisfies Record<string, unknown>;

  if (!options.autostart) comments.set('state', 'autostart=false: nobody starts it but a person.');
  if (variables.PATH !== undefined && process.environment.PATH === undefined)
    comments.set('environment', 'PATH is what its supervisord has.');
  if (odd.length > 0) comments.set('command', 'Variables whose names no environment here takes are set by env.');
  const [stdout] = [logs.logs.stdout, logs.logs.stderr].filter((path) =>
    /^\/dev\/(std|fd\/|tty|pts)/.test(String(path ?? '')),
  );
  if (stdout !== undefined)
    comments.set(
      'logs',
      `${String(stdout)} is an output of supervisord itself: run by systemd it is a socket, which can't be opened.`,
    );
  return {
    service: service as Readonly<Record<string, Json>>,
    secrets: { ...secrets, ...run.secrets },
    losses,
    comments,
  };
}

function isSaid({ sections, defaults }: SupervisordConfig, option: string): boolean {
  return (sections.get('supervisord')?.options.has(option) ?? false) || defaults.has(option);
}

/** Where it is started: what is said of it, else where supervisord itself is. */
function directoryOf(said: string | undefined, cwd: string): string | undefined {
  const path = said ?? cwd;
  const whole = isAbsolute(path) ? path : resolve(cwd, path);
  return said === undefined && whole === '/' ? undefined : whole;
}

const USER = /^([a-z_][a-z0-9_.-]*\$?|[0-9]+)$/;

/** Whom it runs as, where that is not whoever its supervisord is. */
function userOf(
  said: string | undefined,
  runner: string | undefined,
  lose: (key: string, why: string) => void,
): string | undefined {
  if (said === undefined) return undefined;
  const [user, server] = [said, runner].map((name) => (name === undefined ? undefined : accountOf(plainUser(name))));
  if (server !== undefined && server.uid !== 0) {
    if (user?.uid === server.uid) return undefined;
    lose('user', `its supervisord runs as ${runner} and can start nothing as another`);
    return undefined;
  }
  const name = plainUser(said);
  return USER.test(name) ? name : user === undefined ? name : String(user.uid);
}

/** A number is one however it is written. */
export function plainUser(name: string): string {
  return String(integer(name) ?? name);
}

function octal(umask: number): string {
  return (umask & 0o777).toString(8).padStart(3, '0');
}

/** Some 30 years: for ever. */
const LONGEST = 1e9;
const MOST_RETRIES = 1e9;

function startOf({ startsecs, startretries }: Program['options']): Json | undefined {
  const start = {
    ...(startsecs === 1 ? {} : { ready: seconds(startsecs) }),
    ...(startretries === 3 ? {} : { retries: Math.min(MOST_RETRIES, Math.max(0, startretries)) }),
  };
  return Object.keys(start).length === 0 ? undefined : start;
}

function stopOf({ stopsignal, stopwaitsecs, stopasgroup }: Program['options']): Json | undefined {
  const signal = signalWord(stopsignal);
  const stop = {
    ...(signal === undefined || signal === 'TERM' ? {} : { signal }),
    ...(stopwaitsecs === 10 ? {} : { timeout: seconds(stopwaitsecs) }),
    ...(stopasgroup ? {} : { tree: false }),
  };
  return Object.keys(stop).length === 0 ? undefined : stop;
}

/** What is below 0 is over at once. */
function seconds(count: number): string {
  return formatDuration(1000 * Math.min(LONGEST, Math.max(0, count)));
}
