import type { Supervisors } from '../supervisors/index.ts';
import type { Taker } from '../supervisors/taker.ts';
import { nameOfThing, type Thing } from '../thing.ts';
import { createCronTaker } from '../things/cron.ts';
import { createProcessTaker } from '../things/process.ts';

/** ms. How long it is watched whether somebody starts a process again: part of the time that nothing runs. */
const RESPAWN = 120;

export interface Takers {
  /** Who takes a thing. Fails for a unit where systemd is not there to ask. */
  of(thing: Thing): Taker;
  /** All that may bear marks of ours. */
  readonly all: readonly Taker[];
}

/** One taker for each kind of thing; what is dear to load is loaded when it is first needed. */
export async function openTakers(
  supervisors: Supervisors,
  means: { readonly runtimeDir: string; readonly stateDir: string },
): Promise<Takers> {
  const units = supervisors.get('systemd')?.taker;
  const { createProgramTaker } = await import('../supervisors/supervisord/taker.ts');
  const [processes, lines, programs] = [
    createProcessTaker({ ...means, watch: RESPAWN }),
    createCronTaker(),
    createProgramTaker(means),
  ] as unknown as Taker[];
  const byKind: Readonly<Record<Thing['kind'], Taker | undefined>> = {
    unit: units,
    timer: units,
    process: processes,
    cron: lines,
    program: programs,
  };
  return {
    of: (thing) => {
      const taker = byKind[thing.kind];
      if (taker === undefined) throw new Error(`nobody takes ${nameOfThing(thing)}`);
      return taker;
    },
    all: [units, processes, lines, programs].filter((taker) => taker !== undefined),
  };
}
