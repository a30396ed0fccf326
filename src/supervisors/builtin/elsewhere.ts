import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { heldBy } from '../../host/daemons.ts';
import { readHolder } from '../../host/lock.ts';
import { commandOf, type ProcessStat } from '../../host/procfs.ts';
import type { Foreign } from '../../model.ts';
import { isShim, shimFolder } from './shim.ts';

/**
 * The daemon that keeps a process running in another runtime folder: taken back here as well, it would be started by both.
 * Undefined where nobody does: what a folder that was moved or deleted has left behind is anybody's.
 */
export function keptElsewhere({ ppid }: ProcessStat, services: string): Foreign | undefined {
  const shim = commandOf(ppid);
  const folder = isShim(shim) ? dirname(shimFolder(shim)) : services;
  if (isSame(folder, services)) return undefined;
  const runtimeDir = dirname(folder);
  const holder = readHolder(join(runtimeDir, 'lock'));
  // The lock's text outlives who wrote it.
  if (holder?.role !== 'daemon' || !isSame(heldBy(holder.pid)?.runtimeDir ?? '', runtimeDir)) return undefined;
  const owner = `the daemon with pid ${holder.pid}, whose runtime folder is ${runtimeDir}`;
  return { kind: 'foreign', owner, runtimeDir };
}

function isSame(one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}
