import type { Used } from './decisions.ts';
import type { Desired, Observed, Plan, SupervisorName } from './model.ts';
import { supersedesUnits } from './thing.ts';

/** A supervisord that Git does not have any more is not to be found: nothing is left there, or it is refused. */
export function isDeclared(name: SupervisorName, { instances }: Desired): boolean {
  return !name.startsWith('supervisord/') || instances.some(({ supervisor }) => supervisor === name);
}

/** The supervisors other than the embedded one that have something of ours, will have, or could not be read. */
export function usedAfter(used: Used, desired: Desired, observed: Observed, plan: Plan, isGivenBack: boolean): Used {
  const names = new Set([...desired.services, ...plan.steps].map(({ supervisor }) => supervisor));
  // What was taken over from it bears marks of ours, and may have to be given back.
  if (desired.services.some(({ written }) => supersedesUnits(written)) || isGivenBack) names.add('systemd');
  for (const name of used.names.filter((name) => isDeclared(name, desired))) {
    const reading = observed.get(name);
    const left =
      reading?.kind !== 'read' || reading.objects.some((o) => o.kind !== 'actual' || o.owner.kind === 'ours');
    if (left) names.add(name);
  }
  names.delete('builtin');
  return {
    names: [...names].sort(),
    instances: desired.instances.filter(({ supervisor }) => names.has(supervisor)),
  };
}
