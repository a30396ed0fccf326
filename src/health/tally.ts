import type { Level } from '../model.ts';
import { LEVELS, worst } from './level.ts';

/** How many services have which level: by group, and under `undefined` of the whole host. */
export interface Tally {
  /** One of a group has changed; undefined: it has no level. */
  move(group: string | undefined, from: Level | undefined, to: Level | undefined): void;
  clear(): void;
  /** That of the worst. */
  level(group?: string): Level | undefined;
  count(): Readonly<Record<Level, number>>;
  /** What has another level than when this was last asked, the host last. */
  changes(): readonly { readonly group?: string; readonly from: Level | undefined; readonly to: Level | undefined }[];
}

const NOTHING: Readonly<Record<Level, number>> = { HEALTHY: 0, DEGRADED: 0, CRITICAL: 0, DEAD: 0 };

export function createTally(): Tally {
  const counts = new Map<string | undefined, Record<Level, number>>();
  const told = new Map<string | undefined, Level>();
  const level = (group?: string) => worst(LEVELS.filter((one) => (counts.get(group)?.[one] ?? 0) > 0));
  return {
    move: (group, from, to) => {
      for (const key of new Set([undefined, group])) {
        const count = counts.get(key) ?? { ...NOTHING };
        counts.set(key, count);
        if (from !== undefined) count[from] -= 1;
        if (to !== undefined) count[to] += 1;
      }
    },
    clear: () => counts.clear(),
    level,
    count: () => counts.get(undefined) ?? NOTHING,
    changes: () =>
      [...new Set([...told.keys(), ...counts.keys()])].sort(byName).flatMap((group) => {
        const [from, to] = [told.get(group), level(group)];
        if (from === to) return [];
        if (to === undefined) told.delete(group);
        else told.set(group, to);
        return [{ ...(group === undefined ? {} : { group }), from, to }];
      }),
  };
}

function byName(one: string | undefined, other: string | undefined): number {
  if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
  return one < other ? -1 : 1;
}
