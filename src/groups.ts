import { closest } from './closest.ts';
import type { Service } from './model.ts';
import { Failure, type Problem } from './problem.ts';

/**
 * Names as people give them, with `GROUP:*` for all services of a group. Fails where a group has none. Where `runnable`,
 * those of a group that are not to run are left out: a group is started as Git says.
 */
export function expandGroups(
  names: readonly string[],
  services: readonly Service[],
  runnable = false,
): readonly string[] {
  const problems: Problem[] = [];
  const all = names.flatMap((name) => {
    if (!name.endsWith(':*')) return [name];
    const group = name.slice(0, -2);
    const members = services.filter((service) => service.group === group);
    if (members.length === 0) problems.push(unknown(group, services));
    const wanted = runnable ? members.filter(({ state }) => state === 'running' || state === 'manual') : members;
    return wanted.map(({ id }) => id);
  });
  if (problems.length > 0) throw new Failure(...problems);
  return [...new Set(all)];
}

function unknown(group: string, services: readonly Service[]): Problem {
  const groups = new Set(services.flatMap(({ group: one }) => (one === undefined ? [] : [one])));
  const near = closest(group, [...groups]);
  const hint =
    near === undefined
      ? `there are ${groups.size === 0 ? 'no groups' : [...groups].sort().join(', ')}`
      : `did you mean '${near}:*'?`;
  return { code: 'unknown-group', summary: `no service is in a group called '${group}'`, hint };
}
