import type { ProcessRef } from '../../host/procfs.ts';
import { stampId } from '../../stamp.ts';
import { type Identity, isOf, type Processes, type Seen } from './scan.ts';

/**
 * What is left of a service: its group and session, what was seen to descend from it, and whoever bears its stamp,
 * however far it ran. `group` is given only where its leader was known to live: the number may be another's since.
 */
export function remainsOf(
  processes: Processes,
  service: Identity,
  group: number | undefined,
  remembered: readonly ProcessRef[],
): Seen[] {
  const left = new Map<number, Seen>();
  const starts = new Map(remembered.map(({ pid, start }) => [pid, start]));
  for (const seen of processes.values()) {
    const { pid, start, pgrp, session } = seen;
    const grouped = group !== undefined && (pgrp === group || session === group);
    if (grouped || starts.get(pid) === start || isOf(seen, service)) left.set(pid, seen);
  }
  // Descendants that left group, session and stamp behind.
  for (let size = -1; size < left.size; ) {
    size = left.size;
    for (const seen of processes.values()) if (left.has(seen.ppid)) left.set(seen.pid, seen);
  }
  left.delete(process.pid);
  return [...left.values()];
}

/**
 * The group of a main process that was found by its stamp, if that is the service's own: led by itself or by its shim,
 * alive or not. In any other it is a guest, such as of a person's shell, and must never be signalled with it.
 */
export function ownGroup(main: Seen, processes: Processes): number | undefined {
  const { pid, pgrp, session, stamp } = main;
  if (pgrp === pid) return pid;
  if (pgrp !== session) return undefined;
  const head = processes.get(pgrp);
  const shim = head?.stamp !== undefined && stamp !== undefined && stampId(head.stamp) === stampId(stamp);
  return head === undefined || shim ? pgrp : undefined;
}

/** Sends a signal to a process, or to a group where negative; what is gone already is no error. */
export function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
