import { join } from 'node:path';
import { ensureFolder } from '../../config.ts';
import { type Holder, readHolder, takeLock } from '../../host/lock.ts';
import { Failure, type Problem } from '../../problem.ts';
import type { Context } from '../context.ts';

/** How long (ms) to wait for another one-shot that is at work. */
const PATIENCE = 60_000;

/** Does something itself under the lock, or has the daemon that holds it do it, over that socket. `verb`: as in "cannot apply". */
export async function underLock<T>(
  { config, note }: Context,
  verb: string,
  ask: (socket: string) => Promise<T>,
  here: () => Promise<T>,
): Promise<T> {
  ensureFolder(config.runtimeDir);
  const path = join(config.runtimeDir, 'lock');
  const holder: Holder = {
    pid: process.pid,
    role: 'apply',
    desiredState: config.desiredState,
    since: new Date().toISOString(),
  };
  let lock = await takeLock(path, holder, 0).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === 'EACCES' ? new Failure(denied(verb, config.runtimeDir)) : error;
  });
  if (lock === undefined) {
    const other = readHolder(path);
    if (other?.role === 'daemon') return ask(join(config.runtimeDir, 'control.sock'));
    note(`Waiting for another reconcile${other === undefined ? '' : ` (pid ${other.pid})`} to finish...\n`);
    lock = await takeLock(path, holder, PATIENCE);
    if (lock === undefined) {
      const summary = `cannot ${verb}: another reconcile${other === undefined ? '' : ` (pid ${other.pid})`} still works on ${config.runtimeDir}`;
      const hint = 'wait for it, or look at what it waits for; nothing was done';
      throw new Failure({ code: 'locked', summary, hint });
    }
  }
  using _ = lock;
  // Awaited here: the lock is let go when this function returns.
  return await here();
}

function denied(verb: string, folder: string): Problem {
  const summary = `cannot ${verb}: ${folder} is another user's`;
  const hint = 'run it as the user whose services these are (root), or use a folder of your own: --runtime-dir DIR';
  return { code: 'not-permitted', summary, hint };
}
