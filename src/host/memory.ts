import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives memory back to the host `later` ms after the last of a series of calls: a process that idles never collects, and
 * keeps what reading a thousand files once took. `before` is done just before: what can wait until there is time.
 */
export function createMemoryRelease(before: () => void, later: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      before();
      collect();
    }, later).unref();
  };
}

/** Takes some 50 ms. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
