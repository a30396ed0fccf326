import { type DropIn, thatGo } from '../../supervisors/systemd/drop-ins.ts';
import type { Loss } from '../found.ts';
import type { UnitText } from './text.ts';

export interface ReadDropIn extends DropIn {
  readonly read: UnitText;
}

export interface Parted {
  /** What they say is carried; they have to go where ours takes the place of the unit. */
  readonly merged: readonly ReadDropIn[];
  /** They go on counting for ours, after all that it says. */
  readonly kept: readonly ReadDropIn[];
  readonly losses: readonly Loss[];
}

/**
 * Which drop-ins are carried. What stays beside ours counts after it: so of a unit that keeps its name those are carried
 * that come before the first that stays. `applies`: the paths of those that count for a unit of the new name.
 */
export function partDropIns(all: readonly ReadDropIn[], applies: ReadonlySet<string>, keepsName: boolean): Parted {
  if (keepsName) {
    const merged = thatGo(all);
    return { merged, kept: all.slice(merged.length), losses: [] };
  }
  const kept = all.filter(({ path }) => applies.has(path));
  const merged = all.filter(({ path }) => !applies.has(path));
  const strangers = [...applies].filter((path) => all.every((one) => one.path !== path));
  return {
    merged,
    kept,
    losses: [
      ...kept.flatMap((one) =>
        overridden(
          one,
          all.slice(all.indexOf(one) + 1).filter((later) => merged.includes(later)),
        ),
      ),
      ...strangers.map(
        (path): Loss => ({ key: path, why: 'it counts for a unit of the new name, and did not before' }),
      ),
    ],
  };
}

/** What comes after a drop-in that stays would count before it. */
function overridden({ read, path }: ReadDropIn, later: readonly ReadDropIn[]): readonly Loss[] {
  const said = new Set(later.flatMap((one) => one.read.lines.map(({ section, key }) => `${section}.${key}`)));
  const lines = read.lines.filter(({ section, key }) => said.has(`${section}.${key}`));
  return lines.map(({ section, key, at }) => ({
    key: `[${section}] ${key}`,
    at,
    why: `${path} counts for a unit of the new name, too, and now after what has to come after it`,
  }));
}
