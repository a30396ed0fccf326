import type { Actual, Foreign, Observed, ServiceId, SupervisorName } from '../model.ts';
import type { Problem } from '../problem.ts';

/** An object of ours and who has it. */
export interface Owned {
  readonly supervisor: SupervisorName;
  readonly actual: Actual;
}

/** All readings, by what the planner asks of them. */
export interface World {
  /** Why nothing can be said about a supervisor's objects; undefined where it was read. */
  silent(supervisor: SupervisorName): Problem | undefined;
  /** Why some supervisor could not be read, if any: what seems to be nowhere may be there. */
  readonly doubt: Problem | undefined;
  /** Ours, wherever; more than one where several supervisors have it. */
  readonly owned: ReadonlyMap<ServiceId, readonly Owned[]>;
  /** There, but not readable, wherever. */
  readonly unreadable: ReadonlyMap<ServiceId, { readonly supervisor: SupervisorName; readonly problem: Problem }>;
  /** Somebody else's object of this name at this supervisor. */
  foreigner(supervisor: SupervisorName, id: ServiceId): Foreign | undefined;
  /** Somebody else's object of this name that the service may take the place of as it is. */
  superseded(supervisor: SupervisorName, id: ServiceId): Actual | undefined;
}

export function survey(observed: Observed): World {
  const owned = new Map<ServiceId, Owned[]>();
  const unreadable = new Map<ServiceId, { supervisor: SupervisorName; problem: Problem }>();
  const foreign = new Map<string, Foreign>();
  const superseded = new Map<string, Actual>();
  let doubt: Problem | undefined;
  for (const [supervisor, reading] of [...observed].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (reading.kind === 'unreadable') {
      doubt ??= reading.problem;
      continue;
    }
    for (const object of reading.objects) {
      if (object.kind === 'unreadable') unreadable.set(object.id, { supervisor, problem: object.problem });
      else if (object.owner.kind === 'ours')
        owned.set(object.id, [...(owned.get(object.id) ?? []), { supervisor, actual: object }]);
      else if (object.owner.superseded) superseded.set(`${supervisor} ${object.id}`, object);
      else foreign.set(`${supervisor} ${object.id}`, object.owner);
    }
  }
  return {
    doubt,
    owned,
    unreadable,
    foreigner: (supervisor, id) => foreign.get(`${supervisor} ${id}`),
    superseded: (supervisor, id) => superseded.get(`${supervisor} ${id}`),
    silent(supervisor) {
      const reading = observed.get(supervisor);
      // Nobody looked: as little is known as where looking failed.
      if (reading === undefined)
        return { code: 'not-observed', summary: `cannot read ${supervisor}: it was not observed` };
      return reading.kind === 'unreadable' ? reading.problem : undefined;
    },
  };
}
