import type { Begun, Held, Policy, Reason, ServiceId } from '../model.ts';
import { unreachable } from '../problem.ts';
import type { Taken, Thing, ThingState } from '../thing.ts';
import { type Draft, nameOf, remove } from './draft.ts';
import { giveBack } from './give-back.ts';
import type { Undeclared } from './names.ts';
import type { World } from './world.ts';

/** What a service that Git has no more had superseded, as it is now. */
export interface Given {
  readonly things: readonly { readonly thing: Thing; readonly state: ThingState; readonly taken: Taken }[];
  /** ms. How long what goes has to end. */
  readonly patience: number;
  readonly begun?: Begun;
}

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
  given: ReadonlyMap<ServiceId, Given> = new Map(),
): Draft[] {
  const unreadable = [...world.unreadable]
    .filter(([id]) => !declared.has(id))
    .map(([id, { supervisor, problem }]): Draft => {
      return { service: id, supervisor, steps: [], held: { kind: 'unreadable', problem }, notices: [] };
    });
  const back = [...given].flatMap(([id, back]): Draft[] => {
    const { things } = back;
    if (declared.has(id) || world.unreadable.has(id)) return [];
    const owned = world.owned.get(id) ?? [];
    const unreadable = things.find(({ state }) => state.kind === 'unreadable')?.state;
    // Another instance of it may run, and would then do so beside the old one.
    const sibling = [...world.unreadable].find(([other]) => nameOf(other) === nameOf(id))?.[1];
    const problem = unreadable?.kind === 'unreadable' ? unreadable.problem : (sibling?.problem ?? world.doubt);
    const supervisor = owned[0]?.supervisor ?? 'systemd';
    if (problem !== undefined)
      return [{ service: id, supervisor, steps: [], held: { kind: 'unreadable', problem }, notices: [] }];
    return owned.length > 1 ? [] : [giveBack(id, owned[0], back)];
  });
  const returned = new Set(back.map(({ service }) => service));
  // Its other instances go before the old one comes back: it would run beside them.
  const backOf = new Map(back.map((draft) => [nameOf(draft.service), draft]));
  const doomed = others.filter(
    ({ kind, id }) => kind === 'leftover' && !suspected.has(id) && !backOf.has(nameOf(id)),
  ).length;
  const drafts = others.flatMap((other): Draft[] => {
    switch (other.kind) {
      case 'former':
        return [{ ...removal(other, { kind: 'renamed', to: other.of }), makesWayFor: other.of }];
      case 'absent':
        return [removal(other, { kind: 'not-wanted', state: 'absent' })];
      case 'surplus':
        return [removal(other, { kind: 'fewer-instances', instances: other.instances })];
      case 'leftover':
        if (returned.has(other.id)) return [];
        if (backOf.has(nameOf(other.id))) return [withBack(other, backOf.get(nameOf(other.id)))];
        if (prune.kind === 'off' || suspected.has(other.id)) return [told(other)];
        if (doomed <= prune.max) return [removal(other, { kind: 'not-in-git' })];
        return [held(other, { kind: 'prune-cap', count: doomed, max: prune.max })];
      default:
        return unreachable(other);
    }
  });
  // What could not be read is not removed by another supervisor's account of it.
  const stuck = new Map(drafts.map(({ makesWayFor, held }) => [makesWayFor, held] as const).filter(([, held]) => held));
  const waiting = back.map((draft) => {
    const reason = stuck.get(draft.service);
    return reason === undefined ? draft : { ...draft, steps: [], held: reason };
  });
  return [...drafts.filter(({ service }) => !world.unreadable.has(service)), ...unreadable, ...waiting];
}

/** An instance that goes with the first one: what they share stays until that goes, lest it can't be started again. */
function withBack(other: Undeclared, back: Draft | undefined): Draft {
  const [step] = back?.steps ?? [];
  if (step === undefined) return told(other);
  const draft = removal(other, step.reason);
  const shared = new Set(step.files?.map(({ path }) => path));
  const steps = draft.steps.map(({ files = [], ...rest }) => {
    const own = files.filter(({ path }) => !shared.has(path));
    return own.length === 0 ? rest : { ...rest, files: own };
  });
  return { ...draft, steps, makesWayFor: step.service };
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
