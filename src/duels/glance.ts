import { commandOf, listPids, loginOf } from '../host/procfs.ts';
import { deedsOf } from './deeds.ts';
import type { Job, Witness } from './samples.ts';
import { witnessOf } from './watch.ts';
import { isShim, lookAt } from './witness.ts';

/** A command that does something to services, as it was found at work, and who had logged in for it. */
export interface Sighting {
  readonly job: Job;
  /** The uid, which no sudo changes; undefined where nobody has logged in. */
  readonly login: number | undefined;
}

/** ms. A process that was looked at so long apart, and did nothing to any service, has become what it is to be. */
const SETTLED = 2000;
/** ms. After so long a pid may be another process. */
const LONG = 60_000;

/**
 * Looks once at each call, the newest processes first: what waits for a stop to be over is there as long as that takes. What
 * has settled to something else is not read again for as long as looks follow each other: a thousand services stay what they
 * are while somebody is at one of them.
 */
export function createGlance(): () => readonly Sighting[] {
  let last = Number.NEGATIVE_INFINITY;
  let known = new Map<number, { readonly first: number; readonly last: number }>();
  return () => {
    const at = performance.timeOrigin + performance.now();
    if (at - last > LONG) known.clear();
    last = at;
    const still: typeof known = new Map();
    const found = listPids()
      .sort((a, b) => b - a)
      .flatMap((pid): Sighting[] => {
        if (pid === process.pid) return [];
        const before = known.get(pid);
        const settled = before !== undefined && before.last - before.first >= SETTLED;
        const deeds = settled ? [] : deedsOfProcess(pid);
        if (deeds.length > 0) return sightingOf(pid, deeds, at);
        still.set(pid, settled ? before : { first: before?.first ?? at, last: at });
        return [];
      });
    known = still;
    return found;
  };
}

function deedsOfProcess(pid: number): Job['deeds'] {
  const argv = commandOf(pid);
  // Of all shells by far the most are these, and their text is ours.
  return isShim(argv) ? [] : deedsOf(argv);
}

function sightingOf(pid: number, deeds: Job['deeds'], at: number): Sighting[] {
  const look = lookAt(pid);
  if (look === undefined) return [];
  const parents = parentsOf(look.ppid);
  // What we have started ourselves is nobody's doing.
  if (parents.some((parent) => parent.pid === process.pid)) return [];
  const job: Job = { process: witnessOf(look), deeds, parents, firstSeen: at, lastSeen: at };
  return [{ job, login: loginOf(pid) }];
}

/** So many at most. */
const DEEP = 32;

function parentsOf(first: number): readonly Witness[] {
  const parents: Witness[] = [];
  for (let pid = first; pid > 1 && parents.length < DEEP; ) {
    const parent = lookAt(pid);
    if (parent === undefined) break;
    parents.push(witnessOf(parent));
    pid = parent.ppid;
  }
  return parents;
}
