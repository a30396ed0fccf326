import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { hardOpenFiles, ownOomScore } from '../../host/procfs.ts';
import { type RunsAs, switchUser, tool } from '../shared/programs.ts';
import { type Rotation, rotateBeforeStart } from '../shared/rotate.ts';
import type { Settings } from '../shared/settings.ts';
import { FIFO } from './fifo.ts';
import type { Placed } from './scopes.ts';
import { shimArguments } from './shim.ts';

/** The soft limit that programs expect; those that use select(2) break beyond it. Node raises its own. */
const SOFT_OPEN_FILES = 1024;

/**
 * Spawns a service's shim; the FIFO is there. With `place` its command begins once it is where that puts it.
 * Throws what a system call says; a spawn may also fail by an `error` event.
 */
export function launch(
  folder: string,
  settings: Settings,
  runsAs: RunsAs | undefined,
  environment: Readonly<Record<string, string>>,
  defaultLogs: string,
  place?: (pid: number) => Promise<Placed>,
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
        // The daemon may be spared when memory runs out; what it starts is not, unless it says so itself.
        oomScore: ownOomScore() === 0 ? '' : '0',
        gated: place !== undefined,
        environment,
        command: wrapped(settings, runsAs),
      }),
      {
        cwd: settings.directory,
        env: environment,
        detached: true,
        stdio: [place ? 'pipe' : 'ignore', out, err, alive],
      },
    );
    child.unref();
    if (child.stdin !== null && child.pid !== undefined) openGate(child.stdin, place?.(child.pid));
    return child;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** Lets a shim go on. */
function openGate(gate: Writable, placed: Promise<Placed> | undefined): void {
  // It may have been killed meanwhile.
  gate.on('error', () => undefined);
  void placed?.then(({ openFiles }) => gate.end(`${openFiles ?? ''}\n`));
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
