import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from './entry.ts';
import { tailFile } from './journal.ts';
import { readJournal } from './read.ts';
import { readWholeTail } from './tail.ts';

/** How long (ms) what comes together is gathered. */
const GATHER = 30;
/** How often (ms) it is looked at where the kernel tells of no changes: too many watches, or a file system that tells nothing. */
const LOOK = 1000;
/** As many as are read at once. */
const PAGE = 5000;

/**
 * What is recorded after an id, as it happens and whoever records it: a daemon, the one that comes after it, or a
 * `reconcile` that applies by itself. Waits where there is no journal yet. Ends with the signal.
 */
export async function* followJournal(
  stateDir: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<readonly Entry[], void> {
  let last = after;
  let at = 0;
  using watcher = watchFolder(stateDir);
  while (!signal.aborted) {
    watcher.arm();
    const { entries, more, isAnew } = entriesAfter(stateDir, last);
    // Somebody took all of it away: its ids begin anew.
    if (isAnew) last = 0;
    const newest = entries.at(-1);
    if (newest !== undefined) {
      const come = entries.filter((entry) => entry.at >= at);
      [last, at] = [newest.id, isAnew ? at : newest.at];
      if (come.length > 0) yield come;
    }
    if (more || isAnew) continue;
    await watcher.changed(signal);
    await sleep(GATHER, undefined, { signal }).catch(() => undefined);
  }
}

/** The greatest id that is recorded. */
export function newestId(stateDir: string): number {
  return readJournal(stateDir, { limit: 1 })?.entries.at(-1)?.id ?? 0;
}

interface More {
  readonly entries: readonly Entry[];
  readonly more: boolean;
  readonly isAnew: boolean;
}

function entriesAfter(stateDir: string, after: number): More {
  const tail = readWholeTail(tailFile(stateDir));
  const first = tail?.after ?? (tail?.entries[0]?.id ?? Number.POSITIVE_INFINITY) - 1;
  const newest = tail?.entries.at(-1)?.id ?? tail?.after;
  if (newest !== undefined && newest < after) return { entries: [], more: false, isAnew: true };
  // Mostly the tail has all of it, and the database need not be opened.
  if (tail !== undefined && first <= after)
    return { entries: tail.entries.filter(({ id }) => id > after), more: false, isAnew: false };
  const { entries, more } = readJournal(stateDir, { after, limit: PAGE }) ?? { entries: [], more: false };
  return { entries, more, isAnew: false };
}

/** Tells when the tail changes in a folder, or when the folder comes to be. */
function watchFolder(folder: string) {
  const tail = tailFile(folder);
  let watched: { readonly ino: number; readonly watcher: FSWatcher | undefined } | undefined;
  let isChanged = false;
  let wake = () => {};
  const tell = () => {
    isChanged = true;
    wake();
  };
  const close = () => {
    watched?.watcher?.close();
    watched = undefined;
  };
  return {
    /** Before one looks: what changes from then on is told. */
    arm: () => {
      isChanged = false;
      const { path, ino } = nearest(folder);
      if (watched?.ino === ino) return;
      close();
      try {
        const watcher = watch(path, (_, name) => {
          // Who reads the database makes files beside it: nothing new.
          if (path !== folder || name === null || [basename(tail), basename(folder)].includes(name)) tell();
        }).on('error', () => {
          close();
          tell();
        });
        watched = { ino, watcher };
      } catch {
        watched = { ino, watcher: undefined };
      }
    },
    changed: async (signal: AbortSignal): Promise<void> => {
      if (isChanged || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const timer = watched?.watcher === undefined ? setTimeout(resolve, LOOK) : undefined;
      signal.addEventListener('abort', wake, { once: true });
      await promise;
      signal.removeEventListener('abort', wake);
      clearTimeout(timer);
    },
    [Symbol.dispose]: close,
  };
}

/** The folder, or the one above it that is there. */
function nearest(folder: string): { readonly path: string; readonly ino: number } {
  for (let path = folder; ; path = dirname(path)) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined) return { path, ino: stat.ino };
    if (path === '/') return { path, ino: 0 };
  }
}
