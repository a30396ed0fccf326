import { loadYaml } from './desired/yaml.ts';
import type { Definition, Desired, Service, ServiceId } from './model.ts';
import { Failure, type Problem } from './problem.ts';
import type { Supervisors } from './supervisors/index.ts';

/** A service is one object as long as nothing of it changes, and its definition depends on nothing else. */
const definedBefore = new WeakMap<Service, Definition | Problem[]>();

/** What each service that is not to be absent should be under its supervisor. Fails with every field that can't be made true. */
export async function define(desired: Desired, supervisors: Supervisors): Promise<ReadonlyMap<ServiceId, Definition>> {
  const definitions = new Map<ServiceId, Definition>();
  const refused: [Service, Problem][] = [];
  for (const service of desired.services) {
    if (service.state === 'absent') continue;
    const supervisor = supervisors.get(service.supervisor);
    if (supervisor === undefined) throw new Error(`no supervisor ${service.supervisor}`);
    const defined = definedBefore.get(service) ?? supervisor.define(service);
    definedBefore.set(service, defined);
    if (!Array.isArray(defined)) definitions.set(service.id, defined as Definition);
    else if ((service.instance ?? 1) === 1)
      refused.push(...defined.map((problem) => [service, problem] as [Service, Problem]));
  }
  if (refused.length === 0) return definitions;
  await loadYaml(); // positions are looked up in the files
  throw new Failure(...refused.map(([service, problem]) => placed(desired, service, problem)));
}

/** A problem about a field, with the place where the field was written. */
function placed(desired: Desired, service: Service, problem: Problem): Problem {
  const at = problem.field === undefined ? undefined : desired.locate(service.id, problem.field.split('.'));
  return at === undefined ? problem : { ...problem, at };
}

/** All definition problems of a desired state, for `validate`. */
export async function definitionProblems(desired: Desired, supervisors: Supervisors): Promise<readonly Problem[]> {
  try {
    await define(desired, supervisors);
    return [];
  } catch (error) {
    if (error instanceof Failure) return error.problems;
    throw error;
  }
}
