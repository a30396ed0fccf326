import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { descendantsOf } from '../../../src/host/procfs.ts';
import type { Result } from '../host.ts';
import { inGroups } from './cgroups.ts';
import { PATH } from './needs.ts';
import { locate } from './root.ts';

export interface EnterOptions {
  /** Added to what a login has: PATH, HOME, USER, LOGNAME, SHELL, LANG, and for a user with a manager the way to it. */
  readonly env?: Readonly<Record<string, string>>;
  /** root where left out. */
  readonly user?: string;
}

export interface ExecOptions extends EnterOptions {
  readonly input?: string;
  /** Milliseconds until it is killed and that is an error: 60,000 where left out. */
  readonly timeout?: number;
}

/** A host that is up. */
export interface Up {
  /** Its PID 1, as a pid out here. */
  readonly leader: number;
  /** The control groups that commands run in. */
  readonly groups: readonly string[];
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
}

/**
 * Starts a command in all namespaces and the control groups of a host, in its folder `/`. The child is nsenter, which
 * waits for the command and ends as it does; `kill` reaches the command itself.
 */
export function enter(up: Up, command: readonly string[], options: EnterOptions = {}): ChildProcessWithoutNullStreams {
  const user = account(up.leader, options.user ?? 'root');
  const become =
    options.user === undefined ? [] : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.name}`, '--init-groups', '--'];
  const [file, ...args] = inGroups(up.groups, ['nsenter', '-t', `${up.leader}`, '-a', '--', ...become, ...command]);
  const child = spawn(file, args, { env: { ...environment(up.leader, user), ...options.env } });
  const killOutside = child.kill.bind(child);
  child.kill = (signal = 'SIGTERM') => {
    const [inside] = child.pid === undefined ? [] : descendantsOf(child.pid);
    return inside === undefined ? killOutside(signal) : kill(inside.pid, signal);
  };
  return child;
}

/** Runs a command to its end. */
export async function run(up: Up, command: readonly string[], options: ExecOptions = {}): Promise<Result> {
  const child = enter(up, command, options);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  }
  // A command need not read what it is given.
  child.stdin.on('error', () => {}).end(options.input ?? '');
  const { timeout = 60_000 } = options;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    for (const { pid } of child.pid === undefined ? [] : descendantsOf(child.pid)) kill(pid);
  }, timeout);
  const [code] = (await once(child, 'close').finally(() => clearTimeout(timer))) as [number | null];
  if (late) throw new Error(`${command.join(' ')} took longer than ${timeout} ms: ${output.stdout}${output.stderr}`);
  return { code, ...output };
}

/** Ends a process, which may have ended by itself. */
export function kill(pid: number, signal: NodeJS.Signals | number = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function environment(leader: number, { name, uid, home, shell }: Account): Record<string, string> {
  const runtime = `/run/user/${uid}`;
  const managed = existsSync(`/proc/${leader}/root${runtime}`);
  return {
    PATH,
    HOME: home,
    USER: name,
    LOGNAME: name,
    SHELL: shell,
    LANG: 'C.UTF-8',
    ...(managed ? { XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtime}/bus` } : {}),
  };
}

function account(leader: number, name: string): Account {
  const lines = readFileSync(locate(`/proc/${leader}/root`, '/etc/passwd'), 'utf8').split('\n');
  const line = lines.find((candidate) => candidate.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`the host has no user ${name}`);
  const [, , uid, , , home = '/', shell = '/bin/sh'] = line.split(':');
  return { name, uid: Number(uid), home, shell };
}
