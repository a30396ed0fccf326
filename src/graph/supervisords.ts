import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { readCommand } from './command.ts';
import type { Process } from './processes.ts';

/** Is this the command line of a supervisord? */
export function isSupervisord(argv: readonly string[]): boolean {
  return argumentsOf(argv) !== undefined;
}

/** Cheap: of most processes no arguments have to be read. It runs under its own name, which Nix puts a dot before, or Python's. */
export function mayBeSupervisord({ comm }: Pick<Process, 'comm'>): boolean {
  return comm === undefined || /superv|py|^ld-/i.test(comm);
}

/** The main configuration file of a running supervisord; undefined where it can't be told. */
export function configOf({ argv, cwd }: Pick<Process, 'argv' | 'cwd'>): string | undefined {
  const started = argumentsOf(argv);
  if (started === undefined) return undefined;
  const told = toldIn(started.args);
  if (told !== undefined) return told.startsWith('/') ? told : cwd === undefined ? undefined : resolve(cwd, told);
  return searchPaths(started.program, cwd).find((path) => existsSync(path));
}

function argumentsOf(
  argv: readonly string[],
): { readonly program: string; readonly args: readonly string[] } | undefined {
  // Of nearly all processes, and to take a command apart costs far more.
  if (!argv.some((word) => word.includes('supervisord'))) return undefined;
  const command = readCommand(argv);
  if (command === undefined) return undefined;
  if ('path' in command) {
    return basename(command.path) === 'supervisord' ? { program: command.path, args: command.args } : undefined;
  }
  return command.kind === 'module' && command.module === 'supervisor.supervisord'
    ? { program: '', args: command.args }
    : undefined;
}

/** As getopt takes it (supervisor.options: ServerOptions): behind the option, or a part of its word. */
function toldIn(args: readonly string[]): string | undefined {
  for (const [i, arg] of args.entries()) {
    const [, long] = /^--co[a-z]*=(.*)$/.exec(arg) ?? [];
    if (long !== undefined) return long;
    if (/^--co[a-z]*$/.test(arg)) return args[i + 1];
    const [, short] = /^-[nstkhv]*c(.*)$/.exec(arg) ?? [];
    if (short !== undefined) return short === '' ? args[i + 1] : short;
  }
  return undefined;
}

/** Where it looks when it is told of none (supervisor.options: Options.default_configfile). */
function searchPaths(program: string, cwd: string | undefined): readonly string[] {
  const above = program.startsWith('/') ? dirname(dirname(program)) : undefined;
  return [
    ...(above === undefined ? [] : [`${above}/etc/supervisord.conf`, `${above}/supervisord.conf`]),
    ...(cwd === undefined ? [] : [resolve(cwd, 'supervisord.conf'), resolve(cwd, 'etc/supervisord.conf')]),
    ...STANDARD_CONFIGS,
  ];
}

export const STANDARD_CONFIGS = ['/etc/supervisord.conf', '/etc/supervisor/supervisord.conf'] as const;
