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

/** Looks once, the newest processes first: what waits for a stop to be over is there as long as that takes. */
export function glance(): readonly Sighting[] {
  const at = performance.timeOrigin + performance.now();
  return listPids()
    .sort((a, b) => b - a)
    .flatMap((pid): Sighting[] => {
      const argv = pid === process.pid ? [] : commandOf(pid);
      // Of all shells by far the most are these, and their text is ours.
      const deeds = isShim(argv) ? [] : deedsOf(argv);
      return deeds.length === 0 ? [] : sightingOf(pid, argv, deeds, at);
    });
}

function sightingOf(pid: number, argv: readonly string[], deeds: Job['deeds'], at: number): Sighting[] {
  const look = lookAt(pid);
  if (look === undefined) return [];
  const parents = parentsOf(look.ppid);
  // What we have started ourselves is nobody's doing.
  if (parents.some((parent) => parent.pid === process.pid)) return [];
  // What is about to be gone has no arguments any more when it is looked at again.
  const job: Job = { process: { ...witnessOf(look), argv }, deeds, parents, firstSeen: at, lastSeen: at };
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
