import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatSize } from '../units.ts';
import { bad, type Finding, ok, warning } from './finding.ts';
import type { Check } from './means.ts';

/** Room for what is written: state, logs, the runtime folder. */
export const space: Check = {
  topic: 'disk',
  look: async ({ config: { runtimeDir, stateDir, logDir } }) => {
    const all = { state: stateDir, log: logDir, runtime: runtimeDir };
    const there = Object.entries(all).map(([name, path]) => ({ name, path: nearest(path) }));
    const byDevice = Map.groupBy(there, ({ path }) => statSync(path).dev);
    const found = [...byDevice.values()].map(async (of) => {
      const path = of[0]?.path ?? '/';
      const { bsize, blocks, bavail, files, ffree } = await statfs(path);
      const what = `the ${of
        .map(({ name }) => name)
        .join(', ')
        .replace(/, (\w+)$/, ' and $1')} folder${of.length === 1 ? '' : 's'}`;
      return spaceFindings({
        what,
        path,
        free: bavail * bsize,
        size: blocks * bsize,
        inodes: files,
        freeInodes: ffree,
      });
    });
    return (await Promise.all(found)).flat();
  },
};

/** One file system; sizes in bytes. */
export interface Room {
  /** What is kept there, and where. */
  readonly what: string;
  readonly path: string;
  readonly free: number;
  readonly size: number;
  /** 0 where it has no such limit. */
  readonly inodes: number;
  readonly freeInodes: number;
}

/** Below this nothing may be written any more; below that it is near. */
const LEAST = 16e6;
const LITTLE = 200e6;
const FEW_INODES = 1000;

/** Pure. */
export function spaceFindings({ what, path, free, size, inodes, freeInodes }: Room): readonly Finding[] {
  const share = size === 0 ? '' : ` of ${rounded(size)}, ${Math.round((free / size) * 100)}%`;
  const evidence = [`${path}: ${rounded(free)} free${share}`];
  const mend = [`df -h ${path}`, `du -xh --max-depth=2 ${path} | sort -h | tail`];
  const found: Finding[] = [];
  if (free < LEAST) found.push(bad('disk-space', `no room is left for ${what}`, { evidence, mend }));
  else if (free < LITTLE && free < size / 10)
    found.push(warning('disk-space', `little room is left for ${what}`, { evidence, mend }));
  if (inodes > 0 && freeInodes < FEW_INODES) {
    const grade = freeInodes < 20 ? bad : warning;
    const more = { evidence: [`${freeInodes} of ${inodes} free`], mend: [`df -i ${path}`] };
    found.push(grade('disk-inodes', `nearly no file can be made for ${what}: inodes are used up`, more));
  }
  return found.length > 0 ? found : [ok('disk-space', `room for ${what}: ${rounded(free)}${share}`)];
}

function rounded(bytes: number): string {
  const unit = bytes >= 1e9 ? 1e9 : bytes >= 1e6 ? 1e6 : 1e3;
  return formatSize(Math.round(bytes / unit) * unit);
}

function nearest(path: string): string {
  try {
    statSync(path);
    return path;
  } catch {
    return dirname(path) === path ? path : nearest(dirname(path));
  }
}
