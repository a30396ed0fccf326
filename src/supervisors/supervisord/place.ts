import { dirname } from 'node:path';
import type { Instance } from '../../instance.ts';
import type { Actual, ServiceId } from '../../model.ts';
import { type Problem, unreachable } from '../../problem.ts';
import { readConfig, type SupervisordConfig } from './config-file.ts';
import { ignoredKeys } from './ignored.ts';
import type { Listener } from './listeners.ts';
import type { Address } from './rpc.ts';
import { listenerProblems } from './safety.ts';

/** Where one supervisord is to be found, and what its configuration says besides our programs. */
export interface Place {
  readonly config: string;
  readonly address: Address;
  readonly pidFile: string | undefined;
  /** Where it tells what happens; undefined where it is no file. */
  readonly log: string | undefined;
  /** Why its configuration can't be used: it would refuse it too. */
  readonly problem?: Problem;
  /** What makes it unsafe to speak to. */
  readonly unsafe: readonly Problem[];
  readonly remarks: readonly Problem[];
  /** The programs of others, by name, with the file and line that declares each. */
  readonly programs: ReadonlyMap<ServiceId, string>;
  /** Programs in a native group that others wrote. */
  readonly groups: ReadonlyMap<ServiceId, NonNullable<Actual['neighbours']>>;
}

/** `own`: the file of our programs. Where it is as we wrote it, it needs no second look. */
export function placeOf(instance: Instance, own: string, asWritten: boolean): Place {
  const { config, owned } = instance;
  // What runs it makes these before each start: they go with it where they are below systemd's runtime folder.
  const made =
    owned === undefined ? [] : [owned.socket.path, owned.pidFile, owned.log.path].map((path) => dirname(path));
  const first = readConfig(config, { made, skip: (path) => asWritten && path === own });
  // A group of others may name programs of ours.
  const read = first.problems.length > 0 && asWritten ? readConfig(config, { made }) : first;
  const around = surroundings(read, own);
  if (owned !== undefined) {
    const { socket, pidFile, log } = owned;
    const listener = { kind: 'unix', path: socket.path, mode: socket.mode } as const;
    const others = read.listeners.filter((one) => one.kind === 'tcp');
    return {
      ...around,
      config,
      address: { kind: 'socket', path: socket.path },
      pidFile,
      log: log.path.startsWith('/dev/') ? undefined : log.path,
      // It is not written yet where we are to.
      ...(read.files.length === 0 ? {} : problemIn(read)),
      unsafe: [listener, ...others].flatMap((one) => listenerProblems(one)),
    };
  }
  const { logfile, pidfile } = read.server;
  const listener = read.listeners.find(({ kind }) => kind === 'unix') ?? read.listeners[0];
  return {
    ...around,
    config,
    address: listener === undefined ? { kind: 'socket', path: '/nonexistent' } : addressOf(listener),
    pidFile: pidfile,
    log: logfile.startsWith('/') && !logfile.startsWith('/dev/') ? logfile : undefined,
    ...(listener === undefined && read.files.length > 0 ? { problem: nothingListens(config) } : problemIn(read)),
    unsafe: read.listeners.flatMap((one) => listenerProblems(one)),
  };
}

function surroundings(read: SupervisordConfig, own: string): Pick<Place, 'remarks' | 'programs' | 'groups'> {
  const programs = new Map<ServiceId, string>();
  const groups = new Map<ServiceId, NonNullable<Actual['neighbours']>>();
  for (const { kind, name, programs: members } of read.groups) {
    const names = members.flatMap(({ processes }) => processes.map((process) => process.name));
    for (const { section } of members) {
      const path = section.source.path;
      const where = `${path}:${section.line}`;
      const theirs = path === own ? [] : names;
      for (const each of theirs) programs.set(each, where);
    }
    if (kind !== 'group') continue;
    for (const each of names) groups.set(each, { group: name, others: names.filter((other) => other !== each) });
  }
  return { remarks: ignoredKeys(read), programs, groups };
}

function problemIn({ problems, files }: SupervisordConfig): { readonly problem?: Problem } {
  const [problem] = problems;
  if (problem === undefined) return {};
  const hint = problem.hint ?? (files.length === 0 ? 'name the one that its supervisord was started with' : undefined);
  return { problem: hint === undefined ? problem : { ...problem, hint } };
}

function addressOf(listener: Listener): Address {
  const { username: user, password = '' } = listener;
  const login = user === undefined ? {} : { user, password };
  switch (listener.kind) {
    case 'unix':
      return { kind: 'socket', path: listener.path, ...login };
    case 'tcp':
      return { kind: 'tcp', host: listener.host === '' ? '127.0.0.1' : listener.host, port: listener.port, ...login };
    default:
      return unreachable(listener);
  }
}

function nothingListens(config: string): Problem {
  return {
    code: 'supervisord-unreadable',
    summary: `cannot ask the supervisord of ${config}: it has no [unix_http_server]`,
    hint: 'give it one, with chmod=0700, and restart it',
  };
}
