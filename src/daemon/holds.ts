import { holdTimes, type PersonHold, warnAt } from '../control/holds.ts';
import { lastingHolds, type Marks } from '../marks.ts';
import type { Desired } from '../model.ts';
import type { DaemonEvent } from './event.ts';

/** What is left alone once a run is over, or as somebody made it. */
export interface Left {
  /** All that were ever asked for and are not cleared away. */
  readonly holds: readonly PersonHold[];
  readonly marks: Marks;
  readonly desired: Pick<Desired, 'services' | 'policy'>;
}

/** What ends: of one service or several, by somebody. */
type Ends = Pick<PersonHold, 'name' | 'since' | 'until'> & { readonly by: string | undefined };

/**
 * Tells, once each, that a person wants a service left alone, that this is over, and that it, or what is left of somebody's
 * doing, soon will be. Gives when it has to be looked again (ms since the epoch).
 */
export function tellHolds(tell: (event: DaemonEvent) => void): (left: Left, now: number) => number | undefined {
  let held: readonly PersonHold[] = [];
  const warned = new Map<string, number>();
  const key = (hold: PersonHold) => JSON.stringify(hold);
  return ({ holds, marks, desired: { services, policy } }, now) => {
    const lasting = holds.filter(({ until }) => until > now);
    const [before, after] = [new Set(held.map(key)), new Set(lasting.map(({ name }) => name))];
    for (const { name: service, by, why, until } of lasting.filter((hold) => !before.has(key(hold))))
      tell({ kind: 'held-by', service, by, why, until });
    for (const { name: service } of held.filter(({ name }) => !after.has(name))) tell({ kind: 'released', service });
    held = lasting;
    const times = holdTimes(policy.written);
    const byHand = [...lastingHolds(marks, now)].filter(([id]) => !held.some(({ name }) => name === id));
    const all: readonly Ends[] = [
      ...held,
      ...byHand.map(([name, { since, until, by }]) => ({ name, since, until, by })),
    ];
    for (const { name, since, until, by } of all) {
      if (now < warnAt({ since, until }, times) || warned.get(name) === until) continue;
      warned.set(name, until);
      const written = services.find((one) => one.id === name || one.name === name)?.written;
      const waits = written?.gate !== undefined ? 'gate' : written?.confirm === true ? 'confirm' : undefined;
      tell({ kind: 'hold-ends', service: name, until, by, waits });
    }
    for (const name of warned.keys()) if (!all.some((one) => one.name === name)) warned.delete(name);
    const ends = all.flatMap((one) => [warnAt(one, times), one.until].filter((time) => time > now));
    return ends.length === 0 ? undefined : Math.min(...ends);
  };
}
