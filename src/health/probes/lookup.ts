import { type LookupAddress, type LookupOptions, lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Found = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** How many names are looked up at a time: each takes one of the four threads that read files too. */
const AT_ONCE = 2;

/** So many tries may wait for one name; the next ones are told at once that nobody answers. */
const WAITING = 16;

/**
 * Looks up names of hosts. What no name server answers takes many seconds, and can't be ended: asked for by a thousand probes a
 * second it would stop all that this process does with files. So a name is asked for once at a time, and few of them at once.
 */
export function createLookup(ask: typeof resolve = resolve): LookupFunction {
  const waiting = new Map<string, Found[]>();
  const queue: (() => void)[] = [];
  let running = 0;

  function run(start: () => void): void {
    if (running < AT_ONCE) {
      running += 1;
      start();
    } else queue.push(start);
  }

  function over(): void {
    running -= 1;
    const next = queue.shift();
    if (next !== undefined) run(next);
  }

  return (host: string, options: LookupOptions, found: Found) => {
    const key = JSON.stringify([host, options.family, options.hints, options.all]);
    const others = waiting.get(key);
    if (others !== undefined) {
      if (others.length < WAITING) others.push(found);
      else process.nextTick(found, Object.assign(new Error('no name server answers'), { code: 'EAI_AGAIN' }), '');
      return;
    }
    const all = [found];
    waiting.set(key, all);
    run(() =>
      ask(host, options, (...result: Parameters<Found>) => {
        waiting.delete(key);
        over();
        for (const one of all) one(...result);
      }),
    );
  };
}

/** The one for all probes of this process. */
export const lookup = createLookup();
