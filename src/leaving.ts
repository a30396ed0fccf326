import { readUsed } from './decisions.ts';
import type { Instance } from './instance.ts';
import type { Desired } from './model.ts';
import { programsFile, readParts } from './supervisors/supervisord/programs-file.ts';

/**
 * The supervisords that Git has no more, but whose programs it has elsewhere, all of them: they are handed over, and the
 * supervisord goes with the last. What else is left in one is nobody's to decide: that refuses the desired state.
 */
export function leavingInstances(stateDir: string, desired: Desired): readonly Instance[] {
  const { instances, services, policy } = desired;
  const declared = new Set(instances.map(({ name }) => name));
  const ids = new Set(services.map(({ id }) => id));
  return readUsed(stateDir).instances.filter((instance) => {
    if (declared.has(instance.name)) return false;
    try {
      const programs = [...(readParts(programsFile(instance, policy.owner))?.texts.keys() ?? [])];
      return programs.every((id) => ids.has(id));
    } catch {
      return false;
    }
  });
}
