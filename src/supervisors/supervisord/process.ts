import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { readIfThere } from '../../host/files.ts';
import { commandOf, dead, isOnThisHost, linkOf, listPids, statOf } from '../../host/procfs.ts';

/** The main process of the supervisord of a configuration, by its pid file, else by the arguments of all processes. */
export function processOf(config: string, pidFile: string | undefined): number | undefined {
  const pid = pidIn(pidFile);
  if (pid !== undefined && isOf(pid, config)) return pid;
  const all = listPids().filter((each) => isOf(each, config));
  // What it has just forked looks like itself until it is another program.
  return all.find((each) => !all.includes(statOf(each)?.ppid ?? 0));
}

function pidIn(file: string | undefined): number | undefined {
  try {
    const pid = Number(file === undefined ? '' : (readIfThere(file) ?? ''));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    // Whatever that is, it is found without.
    return undefined;
  }
}

/** Is this process there, and a supervisord that was started with this configuration? */
export function isOf(pid: number, config: string): boolean {
  const started = argumentsOf(commandOf(pid));
  if (started === undefined) return false;
  const stat = statOf(pid);
  if (stat === undefined || dead(stat) || !isOnThisHost(pid)) return false;
  const told = configOf(started.args);
  const cwd = linkOf(pid, 'cwd') ?? '/';
  const path = told ?? searchPaths(started.program).find((each) => existsSync(resolve(cwd, each)));
  return path !== undefined && isSame(resolve(cwd, path), config);
}

/** The configuration that a process was started with, where that is another one than this; undefined where that can't be told. */
export function otherConfigOf(pid: number, config: string): string | undefined {
  const told = configOf(argumentsOf(commandOf(pid))?.args ?? []);
  const path = told === undefined || !isOnThisHost(pid) ? undefined : resolve(linkOf(pid, 'cwd') ?? '/', told);
  return path === undefined || isSame(path, config) ? undefined : path;
}

/** What a supervisord was started with; undefined for any other program. */
function argumentsOf(command: readonly string[]): { readonly program: string; readonly args: string[] } | undefined {
  const [first = '', ...rest] = command;
  if (basename(first) === 'supervisord') return { program: first, args: rest };
  if (!/^(python|pypy)[0-9.]*$/.test(basename(first))) return undefined;
  // Options of Python's own, of which -m names a module.
  const at = rest.findIndex((arg) => !arg.startsWith('-'));
  const program = rest[at] ?? '';
  if (basename(program) !== 'supervisord' && program !== 'supervisor.supervisord') return undefined;
  return { program, args: rest.slice(at + 1) };
}

/** As getopt takes them (supervisor.options: ServerOptions), with a value behind an option or as a part of it. */
function configOf(args: readonly string[]): string | undefined {
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? '';
    if (arg.startsWith('--')) {
      const equals = arg.indexOf('=');
      const name = arg.slice(2, equals === -1 ? undefined : equals);
      // Long options may be cut short as long as they are no other: --conf.
      const long = name.startsWith('co') && 'configuration'.startsWith(name);
      if (long) return equals === -1 ? args[i + 1] : arg.slice(equals + 1);
      if (equals === -1 && !FLAGS.some((flag) => flag.startsWith(name))) i += 1;
      continue;
    }
    // The first letter in a cluster that takes a value takes all that is behind it.
    const [, letter, rest] = /^-[^-cumdlyzejiqa]*([cumdlyzejiqa])(.*)$/s.exec(arg) ?? [];
    if (letter === 'c') return rest || args[i + 1];
    if (rest === '') i += 1;
  }
  return undefined;
}

const FLAGS = ['help', 'version', 'nodaemon', 'nocleanup', 'strip_ansi', 'silent'];

/** Where it looks when it is told of none (supervisor.options: Options.default_configfile). */
function searchPaths(program: string): readonly string[] {
  const above = dirname(dirname(program));
  return [
    `${above}/etc/supervisord.conf`,
    `${above}/supervisord.conf`,
    'supervisord.conf',
    'etc/supervisord.conf',
    '/etc/supervisord.conf',
    '/etc/supervisor/supervisord.conf',
  ];
}

function isSame(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}
