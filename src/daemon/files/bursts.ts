import { readFileSync, statSync } from 'node:fs';

/** A save is over when nothing has happened for this long (ms): of one file, of several at once. */
const QUIET = 10;
const QUIET_MANY = 30;
/** What goes on for long, as a slow copy does, has long pauses too: as long as it has taken until now, at most this (ms). */
const LONGEST_PAUSE = 1000;
/** What comes within this time (ms) of a change goes on from there. */
const SOON = 500;
/** An unlink may be the first half of an editor's save: the file is back within this time (ms), or it is gone. */
const REPLACED = 150;
/** What looks half-written is believed after this much quiet (ms). */
const BELIEVED = 1000;
/** How often (ms) it is looked whether a checkout is over. */
const LOOK = 20;

/** Puts together what belongs together: many changes of many files are one. */
export interface Bursts extends Disposable {
  /** Something has happened to this file or folder. */
  saw(path: string): void;
  /** It was like this before anything happened. */
  knew(path: string): void;
  /** How much was seen; grows with each change. */
  readonly seen: number;
  /** Nothing is known to be going on. */
  readonly calm: boolean;
  /** Resolves when nothing is going on that was seen; at once where that is so. */
  quiet(): Promise<void>;
}

/**
 * Calls `over` once after each burst of changes, when the files in it look whole and no checkout is under way. A file that was
 * cut off (empty, no newline at its end, or no more than the beginning of what it was) may be valid YAML and mean something
 * else: it is waited for.
 */
export function createBursts(over: () => void, isCheckout: () => boolean): Bursts {
  const known = new Map<string, string>();
  /** Changed files, each with the quiet it asks for. */
  const pending = new Map<string, number>();
  let waiting = Promise.withResolvers<void>();
  let began = 0;
  let last = Number.NEGATIVE_INFINITY;
  let seen = 0;
  let timer: NodeJS.Timeout | undefined;
  const settle = () => {
    for (const path of pending.keys()) {
      const text = readText(path);
      if (text === undefined) known.delete(path);
      else known.set(path, text);
    }
    pending.clear();
    timer = undefined;
    const { resolve } = waiting;
    waiting = Promise.withResolvers();
    over();
    resolve();
  };
  const schedule = (after: number) => {
    clearTimeout(timer);
    const mine = setTimeout(
      // Where we were busy, what has happened meanwhile is told only after timers that are due.
      () =>
        setImmediate(() => {
          if (timer !== mine) return;
          if (isCheckout()) schedule(LOOK);
          else settle();
        }),
      after,
    );
    timer = mine;
  };
  return {
    saw: (path) => {
      seen += 1;
      const now = performance.now();
      if (now - last > SOON) began = now;
      last = now;
      pending.set(path, quietFor(readText(path), known.get(path)));
      const pause = pending.size > 1 || now > began + QUIET ? Math.max(QUIET_MANY, now - began) : 0;
      schedule(Math.max(...pending.values(), Math.min(LONGEST_PAUSE, pause)));
    },
    knew: (path) => known.set(path, readText(path) ?? ''),
    get seen() {
      return seen;
    },
    get calm() {
      return pending.size === 0;
    },
    quiet: () => (pending.size === 0 ? Promise.resolve() : waiting.promise),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      timer = undefined;
      waiting.resolve();
    },
  };
}

/** How long (ms) nothing may happen before a file in this state is believed. */
function quietFor(now: string | undefined, before: string | undefined): number {
  // What was never part of it (a temporary file that an editor renames) needs no waiting for.
  if (now === undefined) return before === undefined ? QUIET : REPLACED;
  const cut =
    now === '' || !now.endsWith('\n') || (before !== undefined && now.length < before.length && before.startsWith(now));
  return cut ? BELIEVED : QUIET;
}

function readText(path: string): string | undefined {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= 1 << 20 ? readFileSync(path, 'utf8') : '\n';
  } catch {
    return undefined;
  }
}
