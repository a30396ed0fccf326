import type { Config } from './config.ts';
import { readUsed } from './decisions.ts';
import { openTakers } from './handover/takers.ts';
import type { Instance } from './instance.ts';
import type { Desired, ServiceId } from './model.ts';
import { programsFile, readParts } from './supervisors/supervisord/programs-file.ts';
import { unitsTaken } from './supervisors/systemd/taker-taken.ts';

/**
 * The supervisords that Git has no more, but whose programs it has elsewhere, or are given back to whoever ran them before,
 * all of them: they are handed over, and the supervisord goes with the last. What else is left in one is nobody's to decide:
 * that refuses the desired state.
 */
export async function leavingInstances(config: Config, desired: Desired): Promise<readonly Instance[]> {
  const { instances, services, policy } = desired;
  const declared = new Set(instances.map(({ name }) => name));
  const undeclared = readUsed(config.stateDir).instances.filter(({ name }) => !declared.has(name));
  if (undeclared.length === 0) return [];
  const given = await givenBack(config, policy.owner);
  const going = new Set([...services.map(({ id }) => id), ...given]);
  return undeclared.filter((instance) => {
    try {
      const programs = [...(readParts(programsFile(instance, policy.owner))?.texts.keys() ?? [])];
      return programs.every((id) => going.has(id));
    } catch {
      return false;
    }
  });
}

/** What was taken for them bears their mark, and is in force again once Git has them no more. */
async function givenBack(config: Config, owner: string): Promise<readonly ServiceId[]> {
  const takers = await openTakers(new Map(), config);
  const others = await Promise.all(takers.all.map((taker) => taker.taken(owner, AbortSignal.timeout(10_000))));
  const marked = [...unitsTaken(owner), ...others.flat()].filter(({ thing }) => thing.kind !== 'process');
  return marked.map(({ taken }) => taken.by);
}
