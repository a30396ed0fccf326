import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { writableByOthers } from './desired/safety.ts';
import { type Instance, serviceOfInstance } from './instance.ts';
import type { Desired, ServiceId } from './model.ts';
import { type Problem, why } from './problem.ts';

/**
 * As root: services whose files would be written where others can write, who could have them say what root runs, or have
 * us write elsewhere.
 */
export function unsafeServices({ instances, services }: Desired): ReadonlyMap<ServiceId, Problem> {
  if (process.getuid?.() !== 0) return new Map();
  const problems = new Map<ServiceId, Problem>();
  for (const instance of instances) {
    const problem = problemOf(instance);
    if (problem === undefined) continue;
    const runner = instance.owned === undefined ? undefined : serviceOfInstance(instance.name);
    for (const { id, supervisor } of services) {
      if (supervisor === instance.supervisor || id === runner) problems.set(id, problem);
    }
  }
  return problems;
}

function problemOf({ config, include, owned, file }: Instance): Problem | undefined {
  for (const path of owned === undefined ? [include] : [include, dirname(config)]) {
    try {
      const open = writableByOthers(nearest(path));
      if (open === undefined) continue;
      const summary = `cannot write to ${path} as root: others can write ${open}`;
      return { code: 'bad-definition', summary, file, hint: `chown root ${open} && chmod go-w ${open}` };
    } catch (error) {
      return { code: 'bad-definition', summary: `cannot tell who can write ${path}: ${why(error)}`, file };
    }
  }
  return undefined;
}

/** What is there of a path: the rest is made by us. */
function nearest(path: string): string {
  return existsSync(path) || path === '/' ? path : nearest(dirname(path));
}
