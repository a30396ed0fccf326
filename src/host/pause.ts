/** ms. Who asks something meanwhile waits no longer for one piece of it. */
const PIECE = 5;

/** Between two pieces of work. */
export type Pause = () => Promise<void> | undefined;

/**
 * For long work in pieces: call it between two of them. Where the one that ends took its time, all else that this process
 * has to do has its turn first.
 */
export function createPause(): Pause {
  let since = performance.now();
  return () => {
    if (performance.now() - since < PIECE) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        since = performance.now();
        resolve();
      });
    });
  };
}

/** What becomes of each, in the same order: all at once, but for the pauses between where they begin. */
export async function eachInPieces<T, R>(all: readonly T[], pause: Pause, act: (one: T) => Promise<R>): Promise<R[]> {
  const acts: Promise<R>[] = [];
  for (const one of all) {
    const begun = act(one);
    // Whoever waits for all of them hears of it.
    begun.catch(() => {});
    acts.push(begun);
    await pause();
  }
  return Promise.all(acts);
}
