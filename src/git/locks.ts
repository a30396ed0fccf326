import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Lock, takeLock } from '../host/lock.ts';
import { Failure } from '../problem.ts';
import { mirrorOf, type Remote } from './remote.ts';

/** How long (ms) another of us that fetches is waited for. */
const PATIENCE = 120_000;

/** The one who fetches into a mirror and decides what is taken of it. */
export async function lockMirror(remote: Remote): Promise<Lock> {
  const holder = {
    pid: process.pid,
    role: 'apply',
    desiredState: remote.folder,
    since: new Date().toISOString(),
  } as const;
  const path = join(remote.folder, 'lock');
  const lock = (await takeLock(path, holder, 0)) ?? (await takeLock(path, holder, PATIENCE));
  if (lock !== undefined) return lock;
  throw new Failure({
    code: 'git-busy',
    summary: `cannot fetch: another process has been working on ${remote.folder} for ${PATIENCE / 1000}s`,
    hint: 'it is tried again by itself',
  });
}

/**
 * Removes what a git that was killed has left: nobody else would, and git waits for nobody. Called by who holds the lock;
 * a git that somebody killed has left running still holds what is its own.
 */
export function sweepLocks(remote: Remote): void {
  const mirror = mirrorOf(remote);
  const left = [
    ...namesIn(mirror).filter((name) => name.endsWith('.lock')),
    ...namesIn(join(mirror, 'refs/reconciled'), true)
      .filter((name) => name.endsWith('.lock'))
      .map((name) => `refs/reconciled/${name}`),
    ...namesIn(join(mirror, 'objects/pack'))
      .filter((name) => name.startsWith('tmp_') || name.endsWith('.lock'))
      .map((name) => `objects/pack/${name}`),
  ];
  if (left.length === 0 || isInUse(mirror)) return;
  for (const name of left) rmSync(join(mirror, name), { force: true, recursive: true });
}

function namesIn(folder: string, recursive = false): string[] {
  try {
    return readdirSync(folder, { recursive }) as string[];
  } catch {
    return [];
  }
}

/** Does a git work in it? All that we start has it in its environment. */
function isInUse(mirror: string): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').includes(`GIT_DIR=${mirror}\0`);
    } catch {
      return false;
    }
  });
}
