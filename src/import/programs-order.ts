import type { Group } from '../supervisors/supervisord/native-groups.ts';
import type { Program } from '../supervisors/supervisord/programs.ts';

/**
 * The priority that each program has by itself. supervisord takes groups in their order, and within one its programs in
 * theirs; of ours each is a group of its own. So those of a group have the group's place; where that has an order of its
 * own, they come one after the other from there, and what would come among them comes after. What is in no group keeps
 * its priority, but for that.
 */
export function prioritiesOf(groups: readonly Group[]): (group: Group, program: Program) => number {
  const places = new Map<string, readonly [group: number, program: number]>();
  for (const group of groups) {
    const own = new Set(group.programs.map(({ options }) => options.priority));
    for (const { options } of group.programs) {
      // A listener that says nothing comes first as a group; its own priority is what others have.
      const inner = group.kind === 'group' && own.size > 1 ? options.priority : Number.NEGATIVE_INFINITY;
      places.set(`${group.priority} ${inner}`, [group.priority, inner]);
    }
  }
  const numbers = new Map<string, number>();
  let last = Number.NEGATIVE_INFINITY;
  for (const [key, [place]] of [...places].sort(([, a], [, b]) => a[0] - b[0] || compare(a[1], b[1]))) {
    last = Math.max(last + 1, place);
    numbers.set(key, last);
  }
  return (group, { options }) => {
    const own = new Set(group.programs.map((each) => each.options.priority));
    const inner = group.kind === 'group' && own.size > 1 ? options.priority : Number.NEGATIVE_INFINITY;
    return numbers.get(`${group.priority} ${inner}`) ?? group.priority;
  };
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
