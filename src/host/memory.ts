import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a run leaves behind is given back this long (ms) after the last of a series. */
const LATER = 2000;

/**
 * Gives memory back to the host some time after it is called: a process that idles never collects, and keeps what
 * reading a thousand files once took.
 */
export function createMemoryRelease(): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(collect, LATER).unref();
  };
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
