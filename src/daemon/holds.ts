import { type HoldTimes, holdTimes, type PersonHold, warnAt } from '../control/holds.ts';
import { lastingHolds, type Marks } from '../marks.ts';
import type { Desired } from '../model.ts';
import type { Prepared } from '../prepare.ts';
import type { DaemonEvent } from './event.ts';

/** Tells, once each, that a person wants a service left alone, that this is over, and that it, or what is left of somebody's doing, soon will be. */
export interface HoldTeller {
  /** What a run was planned with. */
  see(prepared: Pick<Prepared, 'control' | 'desired'>): void;
  /** Once a run is over: what ends soon, by what is remembered then. When it has to be looked again (ms since the epoch). */
  next(marks: Marks, now: number): number | undefined;
}

/** What ends: of one service or several, by somebody. */
type Ends = Pick<PersonHold, 'name' | 'since' | 'until'> & { readonly by: string | undefined };

export function tellHolds(tell: (event: DaemonEvent) => void): HoldTeller {
  let held: readonly PersonHold[] = [];
  let times: HoldTimes = holdTimes({});
  let services: Desired['services'] = [];
  const warned = new Map<string, number>();
  const key = (hold: PersonHold) => JSON.stringify(hold);
  return {
    see: ({ control: { holds }, desired }) => {
      const now = (holds?.all ?? []).filter(({ until }) => until > (holds?.now ?? 0));
      const [before, after] = [new Set(held.map(key)), new Set(now.map(({ name }) => name))];
      for (const { name: service, by, why, until } of now.filter((hold) => !before.has(key(hold))))
        tell({ kind: 'held-by', service, by, why, until });
      for (const { name: service } of held.filter(({ name }) => !after.has(name))) tell({ kind: 'released', service });
      held = now;
      times = holdTimes(desired.policy.written);
      services = desired.services;
    },
    next: (marks, now) => {
      const byHand = [...lastingHolds(marks, now)].filter(([id]) => !held.some(({ name }) => name === id));
      const all: readonly Ends[] = [
        ...held.filter(({ until }) => until > now),
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
    },
  };
}
