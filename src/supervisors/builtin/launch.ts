import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { hardOpenFiles } from '../../host/procfs.ts';
import type { User } from '../../host/users.ts';
import { BASE_PATH } from './environment.ts';
import { FIFO } from './fifo.ts';
import { type Rotation, rotateBeforeStart } from './rotate.ts';
import type { Settings } from './settings.ts';
import { shimArguments } from './shim.ts';

/** The soft limit that programs expect; those that use select(2) break beyond it. Node raises its own. */
const SOFT_OPEN_FILES = 1024;

/** Who a service runs as, where that is not the user of the supervisor. */
export interface RunsAs {
  readonly user: User;
  /** The name or number of another group than the user's own. */
  readonly group: string | undefined;
}

/** Spawns a service's shim; the FIFO is there. Throws what a system call says; a spawn may also fail by an `error` event. */
export function launch(
  folder: string,
  settings: Settings,
  runsAs: RunsAs | undefined,
  environment: Readonly<Record<string, string>>,
  defaultLogs: string,
): ChildProcess {
  // What they say must be of this start alone.
  for (const name of ['pid', 'exit']) unlinkIfThere(join(folder, name));
  const opened: number[] = [];
  const { stdout, stderr, maxSize, keep } = settings.logs;
  try {
    const open = (path: string): number => {
      if (dirname(path) === defaultLogs) mkdirSync(defaultLogs, { recursive: true, mode: 0o750 });
      rotate(path, { maxSize, keep });
      return opened[opened.push(openLog(path)) - 1] ?? -1;
    };
    const out = open(stdout);
    const err = stderr === stdout ? out : open(stderr);
    // Both ways at once, so that opening needs no other side; closed here at once, the shim is its only holder.
    const alive = opened[opened.push(openSync(join(folder, FIFO), 'r+')) - 1];
    const child = spawn(
      '/bin/sh',
      shimArguments(folder, {
        umask: settings.umask,
        openFiles: 'nofile' in settings.limits ? undefined : Math.min(SOFT_OPEN_FILES, hardOpenFiles()),
        environment,
        command: wrapped(settings, runsAs),
      }),
      { cwd: settings.directory, env: environment, detached: true, stdio: ['ignore', out, err, alive] },
    );
    child.unref();
    return child;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
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

/** As root no link is followed: whoever may write the folder could send the output anywhere. */
function openLog(path: string): number {
  const follow = process.getuid?.() === 0 && !path.startsWith('/dev/') ? constants.O_NOFOLLOW : 0;
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | follow, 0o640);
}

/** The command behind what limits it and switches the user. Limits first: only root may raise them. */
function wrapped(settings: Settings, runsAs: RunsAs | undefined): readonly string[] {
  const limits = Object.entries(settings.limits).map(([option, value]) => `--${option}=${value}`);
  const prlimit = limits.length > 0 ? [tool('prlimit'), ...limits, '--'] : [];
  return [...prlimit, ...switchUser(runsAs), ...settings.command];
}

/** Node's own uid and gid would drop the supplementary groups. */
export function switchUser(runsAs: RunsAs | undefined): readonly string[] {
  // Only root can; anybody else was checked to be that user.
  if (runsAs === undefined || process.getuid?.() !== 0) return [];
  const { uid, gid, name } = runsAs.user;
  const groups = name === String(uid) ? '--clear-groups' : '--init-groups';
  return [tool('setpriv'), `--reuid=${uid}`, `--regid=${runsAs.group ?? gid}`, groups, '--'];
}

/** A program of the host's, whatever PATH the service has. */
export function tool(name: string): string {
  return findProgram(name, '/', BASE_PATH) ?? name;
}

/** Where a command is found: absolute, with a slash below the directory, else in PATH. Undefined where it isn't. */
export function findProgram(program: string, directory: string, path: string): string | undefined {
  const candidates = program.includes('/')
    ? [isAbsolute(program) ? program : join(directory, program)]
    : path.split(':').map((folder) => join(folder === '' ? directory : folder, program));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}
