import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, lstatSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hardOpenFiles, ownOomScore } from '../../host/procfs.ts';
import type { Service } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { type RunsAs, switchUser, tool } from '../shared/programs.ts';
import { type Rotation, rotateBeforeStart } from '../shared/rotate.ts';
import type { Settings } from '../shared/settings.ts';
import { FIFO } from './fifo.ts';
import type { Placed } from './scopes.ts';
import { shimArguments } from './shim.ts';

/** The soft limit that programs expect; those that use select(2) break beyond it. Node raises its own. */
const SOFT_OPEN_FILES = 1024;

/** All that beginning a service takes, as plain data. */
export interface Launch {
  /** Where its FIFO is. */
  readonly folder: string;
  readonly logs: Settings['logs'];
  /** The log folder that is made where it is missing; of any other somebody else takes care. */
  readonly defaultLogs: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Its command begins once something is written to the shim's standard input. */
  readonly gated: boolean;
  /** The arguments of the shell that is its shim. */
  readonly shim: readonly string[];
}

export function launchOf(
  { folder, defaultLogs, environment, gated }: Pick<Launch, 'folder' | 'defaultLogs' | 'environment' | 'gated'>,
  settings: Settings,
  runsAs: RunsAs | undefined,
): Launch {
  const shim = shimArguments(folder, {
    umask: settings.umask,
    openFiles: 'nofile' in settings.limits ? undefined : Math.min(SOFT_OPEN_FILES, hardOpenFiles()),
    // The daemon may be spared when memory runs out; what it starts is not, unless it says so itself.
    oomScore: ownOomScore() === 0 ? '' : '0',
    gated,
    environment,
    command: wrapped(settings, runsAs),
  });
  return { folder, logs: settings.logs, defaultLogs, directory: settings.directory, environment, gated, shim };
}

/**
 * Spawns a service's shim; the FIFO is there. `held` is called once the FIFO is held open, before anything is touched. Throws what
 * a system call says; a spawn may also fail by an `error` event.
 */
export function launch(wanted: Launch, held: () => void = () => {}): ChildProcess {
  const { folder, logs, defaultLogs, directory, environment, gated, shim } = wanted;
  const opened: number[] = [];
  const { stdout, stderr, maxSize, keep } = logs;
  try {
    const open = (path: string): number => {
      try {
        if (dirname(path) === defaultLogs) mkdirSync(defaultLogs, { recursive: true, mode: 0o750 });
        rotate(path, { maxSize, keep });
        return opened[opened.push(openLog(path)) - 1] ?? -1;
      } catch (error) {
        throw new Error(`cannot write log ${path}: ${isUnfollowed(path) ? UNFOLLOWED : why(error)}`, { cause: error });
      }
    };
    // Both ways at once, so that opening needs no other side; closed here at once, the shim is its only holder.
    const alive = opened[opened.push(openSync(join(folder, FIFO), 'r+')) - 1];
    held();
    // What they say must be of this start alone.
    for (const name of ['pid', 'exit']) unlinkIfThere(join(folder, name));
    const out = open(stdout);
    const err = stderr === stdout ? out : open(stderr);
    const child = spawn('/bin/sh', shim, {
      cwd: directory,
      env: environment,
      detached: true,
      stdio: [gated ? 'pipe' : 'ignore', out, err, alive],
    });
    child.unref();
    return child;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** Lets a gated shim go on once it was put where it belongs. */
export function openGate({ stdin }: ChildProcess, placed: Promise<Placed>): void {
  // It may have been killed meanwhile.
  stdin?.on('error', () => undefined);
  void placed.then(({ openFiles }) => stdin?.end(`${openFiles ?? ''}\n`));
}

/** A log that can't be rotated is no reason not to start; it is told of while the service runs. */
function rotate(path: string, rotation: Rotation): void {
  try {
    rotateBeforeStart(path, rotation);
  } catch {}
}

function unlinkIfThere(path: string): void {
  // Asked first: an error, made and thrown away a thousand times, costs more.
  if (existsSync(path)) unlinkSync(path);
}

function openLog(path: string): number {
  const follow = mayFollow(path) ? 0 : constants.O_NOFOLLOW;
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | follow, 0o640);
}

/** As root no link is followed: whoever may write the folder could send the output anywhere. */
function mayFollow(path: string): boolean {
  return process.getuid?.() !== 0 || path.startsWith('/dev/');
}

const UNFOLLOWED = 'it is a symbolic link, and root follows none there';

function isUnfollowed(path: string): boolean {
  return !mayFollow(path) && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** Why a service's logs can't be opened, which is to be known before anything is stopped for it. */
export function checkLinks({ id, file }: Pick<Service, 'id' | 'file'>, { logs }: Settings): Problem | undefined {
  for (const [field, path] of [
    ['logs.stdout', logs.stdout],
    ['logs.stderr', logs.stderr],
  ] as const) {
    if (!isUnfollowed(path)) continue;
    const summary = `cannot start ${id}: cannot write log ${path}: ${UNFOLLOWED}`;
    const hint = `whoever may write its folder could send the output anywhere: name the file that it leads to in \`${field}\``;
    return { code: 'cannot-start', summary, file, field, hint };
  }
  return undefined;
}

/** The command behind what limits it and switches the user. Limits first: only root may raise them. */
function wrapped(settings: Settings, runsAs: RunsAs | undefined): readonly string[] {
  const limits = Object.entries(settings.limits).map(([option, value]) => `--${option}=${value}`);
  const prlimit = limits.length > 0 ? [tool('prlimit'), ...limits, '--'] : [];
  return [...prlimit, ...switchUser(runsAs), ...settings.command];
}
