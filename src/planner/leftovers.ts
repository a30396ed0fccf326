import type { Held, Policy, Reason, ServiceId } from '../model.ts';
import { unreachable } from '../problem.ts';
import { type Draft, remove } from './draft.ts';
import type { Undeclared } from './names.ts';
import type { World } from './world.ts';

/**
 * A draft for everything there that no service declares. `suspected` are leftovers that may be a service under its old
 * name: they stay until Git says which it is.
 */
export function leftover(
  others: readonly Undeclared[],
  declared: ReadonlySet<ServiceId>,
  suspected: ReadonlySet<ServiceId>,
  prune: Policy['prune'],
  world: World,
): Draft[] {
  const unreadable = [...world.unreadable]
    .filter(([id]) => !declared.has(id))
    .map(([id, { supervisor, problem }]): Draft => {
      return { service: id, supervisor, steps: [], held: { kind: 'unreadable', problem }, notices: [] };
    });
  const doomed = others.filter(({ kind, id }) => kind === 'leftover' && !suspected.has(id)).length;
  const drafts = others.flatMap((other): Draft[] => {
    switch (other.kind) {
      case 'former':
        return [{ ...removal(other, { kind: 'renamed', to: other.of }), makesWayFor: other.of }];
      case 'absent':
        return [removal(other, { kind: 'not-wanted', state: 'absent' })];
      case 'surplus':
        return [removal(other, { kind: 'fewer-instances', instances: other.instances })];
      case 'leftover':
        if (prune.kind === 'off' || suspected.has(other.id)) return [told(other)];
        if (doomed <= prune.max) return [removal(other, { kind: 'not-in-git' })];
        return [held(other, { kind: 'prune-cap', count: doomed, max: prune.max })];
      default:
        return unreachable(other);
    }
  });
  // What could not be read is not removed by another supervisor's account of it.
  return [...drafts.filter(({ service }) => !world.unreadable.has(service)), ...unreadable];
}

/** Where two supervisors have it, which is the copy to remove is for a person to say. */
function removal(other: Undeclared, reason: Reason): Draft {
  const [first, second] = other.owned;
  if (first === undefined) throw new Error(`nobody has ${other.id}`);
  if (second !== undefined) return held(other, { kind: 'handover', from: second.supervisor });
  const { actual, supervisor } = first;
  return { service: other.id, supervisor, steps: [remove(actual, supervisor, reason)], notices: [] };
}

function held(other: Undeclared, reason: Held['reason']): Draft {
  return { service: other.id, supervisor: supervisorOf(other), steps: [], held: reason, notices: [] };
}

function told(other: Undeclared): Draft {
  const supervisor = supervisorOf(other);
  return { service: other.id, supervisor, steps: [], notices: [{ kind: 'leftover', service: other.id, supervisor }] };
}

function supervisorOf(other: Undeclared) {
  return other.owned[0]?.supervisor ?? 'builtin';
}
