import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { lives, statOf } from '../../../src/host/procfs.ts';
import { removeGroups, topGroups } from './cgroups.ts';
import { removeRoot } from './root.ts';

const NAME = /^reconciled-test-(\d+)-(\d+)-[0-9a-f]+$/;

/** A name for a new host, which says which process it belongs to: that process's pid and start time. */
export function newName(): string {
  return `reconciled-test-${process.pid}-${statOf(process.pid)?.start}-${randomBytes(3).toString('hex')}`;
}

/** Leaves nothing of a host, whatever state it is in. */
export async function removeHost(name: string): Promise<void> {
  await removeGroups(name);
  removeRoot(name);
}

/** Removes all hosts whose test process is gone: it was killed before it could. */
export async function removeLeftovers(): Promise<void> {
  for (const name of new Set([...readdirSync('/run'), ...topGroups()])) {
    const [, pid, start] = NAME.exec(name) ?? [];
    if (pid === undefined || lives({ pid: Number(pid), start: Number(start) })) continue;
    await removeHost(name);
  }
}
