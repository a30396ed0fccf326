import { existsSync, readdirSync } from 'node:fs';
import { listPids, uidOf } from '../host/procfs.ts';
import { type Finding, ok, warning } from './finding.ts';
import { namesIn, text } from './kernel.ts';

export interface Inotify {
  readonly maxWatches: number;
  readonly maxInstances: number;
  /** Of this user, as far as can be seen. */
  readonly usedWatches: number;
  readonly usedInstances: number;
  /** What a daemon would take besides. */
  readonly needed: number;
  readonly instances: number;
}

/** Pure. Where there is not enough, the files are looked at every few seconds in place of at once. */
export function judgeInotify(seen: Inotify): readonly Finding[] {
  const { maxWatches, maxInstances, usedWatches, usedInstances, needed, instances } = seen;
  const found: Finding[] = [];
  const lack = (name: string, most: number, used: number, more: number) => {
    if (used + more <= most) return;
    const enough = Math.max(most * 2, 2 ** Math.ceil(Math.log2((used + more) * 2)));
    found.push(
      warning('inotify', `fs.inotify.${name} is too low: changes of files are seen late, or not by others`, {
        evidence: [`${name} ${most}, in use ${used}, needed besides ${more}`],
        mend: [
          `sysctl -w fs.inotify.${name}=${enough}`,
          `echo fs.inotify.${name}=${enough} >/etc/sysctl.d/60-reconciled.conf`,
        ],
      }),
    );
  };
  lack('max_user_watches', maxWatches, usedWatches, needed);
  lack('max_user_instances', maxInstances, usedInstances, instances);
  if (found.length > 0) return found;
  return [
    ok('inotify', `watches: ${usedWatches} of ${maxWatches} in use, instances: ${usedInstances} of ${maxInstances}`),
  ];
}

export function readInotify(uid: number): Omit<Inotify, 'needed' | 'instances'> {
  const of = (name: string) => Number(text(`/proc/sys/fs/inotify/${name}`) ?? Number.MAX_SAFE_INTEGER);
  let usedWatches = 0;
  let usedInstances = 0;
  for (const pid of listPids()) {
    if (uidOf(pid) !== uid) continue;
    for (const fd of namesIn(`/proc/${pid}/fdinfo`)) {
      const info = text(`/proc/${pid}/fdinfo/${fd}`) ?? '';
      // One without any watch yet is not told from other files.
      if (!info.includes('\ninotify ')) continue;
      usedInstances += 1;
      usedWatches += info.split('\ninotify ').length - 1;
    }
  }
  return { maxWatches: of('max_user_watches'), maxInstances: of('max_user_instances'), usedWatches, usedInstances };
}

/** Each file and folder is a watch. */
export function entriesBelow(folder: string): number {
  if (!existsSync(folder)) return 0;
  try {
    return readdirSync(folder, { recursive: true }).length + 8;
  } catch {
    return 0;
  }
}
