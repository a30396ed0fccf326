import type { Subject } from '../planner/control.ts';

/** Is a service one of those that are named: by its name, one it had before, or its group (`GROUP:*`)? */
export function appliesTo(names: readonly string[], { name, group, formerly = [] }: Subject): boolean {
  return names.some((one) => one === name || formerly.includes(one) || (group !== undefined && one === `${group}:*`));
}
