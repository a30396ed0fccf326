import type { Lock } from '../host/lock.ts';

/** Sees whether the lock was taken from under the daemon: another may act there now. */
export interface LockWatch extends Disposable {
  /** Looks now. */
  isLost(): boolean;
  readonly lost: Promise<void>;
}

/** How often (ms) it looks by itself. */
const LOOK = 5000;

export function watchLock(lock: Pick<Lock, 'isThere'>, abort: AbortController): LockWatch {
  const lost = Promise.withResolvers<void>();
  const isLost = (): boolean => {
    if (lock.isThere()) return false;
    abort.abort();
    lost.resolve();
    return true;
  };
  const timer = setInterval(isLost, LOOK);
  return { isLost, lost: lost.promise, [Symbol.dispose]: () => clearInterval(timer) };
}
