import type { Definition, Desired, Drift, FieldTable, Held, Service, ServiceId, SupervisorName } from '../model.ts';
import type { Problem } from '../problem.ts';
import { stopOnly, withRestart } from './asked.ts';
import { programOf } from './changes.ts';
import { decide } from './decide.ts';
import { alive, type Draft, remove, startsIt, waits } from './draft.ts';
import type { Hold } from './drift.ts';
import { EMPTY, type InPlace, withHandover } from './handover.ts';
import { formerIds, type Undeclared } from './names.ts';
import type { Unwell } from './unwell.ts';
import type { Owned, World } from './world.ts';

export interface Means {
  readonly desired: Pick<Desired, 'quarantined'>;
  readonly definitions: ReadonlyMap<ServiceId, Definition>;
  readonly fields: ReadonlyMap<SupervisorName, FieldTable>;
  readonly blocked: ReadonlyMap<ServiceId, Problem>;
  readonly asked: ReadonlySet<ServiceId>;
  /** What a person asks to stop, or to restart. */
  readonly stops: ReadonlySet<ServiceId>;
  readonly restarts: ReadonlySet<ServiceId>;
  /** What is staged is to take effect now. */
  readonly restartStaged: boolean;
  /** Services that Git has not changed since they were last as desired, and that others can change. */
  readonly settled: ReadonlySet<ServiceId>;
  readonly untried: ReadonlySet<ServiceId>;
  readonly holds: ReadonlyMap<ServiceId, Hold>;
  /** What to do where a service does not say. */
  readonly drift: Drift;
  readonly owner: string;
  readonly inPlace: ReadonlyMap<ServiceId, InPlace>;
  readonly duels: ReadonlyMap<ServiceId, Extract<Held['reason'], { readonly kind: 'duel' }>>;
  readonly strays: readonly Stray[];
  readonly unwell: ReadonlyMap<ServiceId, Unwell>;
}

/** A process that runs a service's command beside its supervisor. */
export interface Stray {
  readonly service: ServiceId;
  readonly pid: number;
  /** Its command is the declared one beyond doubt. */
  readonly exact: boolean;
  readonly why: string;
  /** Who runs it, as far as can be told. */
  readonly by: string;
}

/** A draft for every declared service: held where acting on what is known could harm, else what it needs. */
export function declared(
  services: readonly Service[],
  world: World,
  others: readonly Undeclared[],
  means: Means,
): Draft[] {
  const former = new Map<ServiceId, Undeclared[]>();
  const leftovers = new Map<string, ServiceId>();
  for (const other of others) {
    if (other.kind === 'former') former.set(other.of, [...(former.get(other.of) ?? []), other]);
    if (other.kind !== 'leftover') continue;
    for (const { actual } of other.owned) {
      const program = programOf(actual.definition.fields);
      if (program !== undefined && !leftovers.has(program)) leftovers.set(program, other.id);
    }
  }
  const draftOf = (service: Service, isSettled: boolean): Draft => {
    const olds = former.get(service.id)?.flatMap(({ owned }) => owned) ?? [];
    const reason = untouchable(service, world, olds);
    if (reason !== undefined) return held(service, reason);
    const own = ownOf(service, world);
    if (service.state === 'absent' && own !== undefined) return removal(own);
    if (means.stops.has(service.id))
      return stopOnly({ service, actual: own?.actual, definition: means.definitions.get(service.id) });
    const elsewhere = othersOf(service, world.owned.get(service.id) ?? [], olds, world).filter(
      (object) => object.supervisor !== service.supervisor,
    );
    const duel = means.asked.has(service.id) ? undefined : means.duels.get(service.id);
    if (duel !== undefined) return held(service, duel);
    const quarantined = means.desired.quarantined?.get(service.id);
    if (quarantined?.left) return held(service, quarantined);
    const definition = means.definitions.get(service.id);
    const from = own === undefined ? leftovers.get(programOf(definition?.fields) ?? '') : undefined;
    if (from !== undefined && olds.length === 0 && elsewhere.length === 0)
      return held(service, { kind: 'maybe-renamed', from });
    const draft = decide({
      service,
      actual: own?.actual,
      definition,
      table: tableOf(means, service),
      asked: means.asked.has(service.id),
      carried: olds.some(({ actual }) => alive(actual.run) || waits(actual.run)),
      blocked: means.blocked.get(service.id),
      restartStaged: means.restartStaged,
      untried: means.untried.has(service.id),
      unwell: means.unwell.get(service.id),
      drifting: isSettled ? { drift: service.drift ?? means.drift, hold: means.holds.get(service.id) } : undefined,
    });
    const drifting = isSettled ? (service.drift ?? means.drift) : undefined;
    const place = means.inPlace.get(service.id) ?? EMPTY;
    const over = withHandover({
      service,
      actual: own?.actual,
      definition,
      elsewhere,
      place,
      owner: means.owner,
      asked: means.asked.has(service.id),
      blocked: means.blocked.get(service.id),
      drifting,
      draft,
    });
    const strays = means.strays.filter((stray) => stray.service === service.id);
    const whole = withStrays(over, strays, means.asked.has(service.id));
    return means.restarts.has(service.id) ? withRestart(whole, { service, actual: own?.actual, definition }) : whole;
  };
  const drafts = services.map((service) => draftOf(service, means.settled.has(service.id)));
  const starting = new Set(drafts.flatMap(({ service, steps }) => (steps.some(startsIt) ? [service] : [])));
  // What went down with what runs it, and nobody has stopped, comes up with that.
  return services.map((service, i) => {
    const draft = drafts[i] as Draft;
    const { held } = draft;
    const returns = held?.kind === 'stopped-with' && service.after.includes(held.unit) && starting.has(held.unit);
    return returns ? draftOf(service, false) : draft;
  });
}

/** What runs its command beside it is told; what would be started for a second time is held, unless a person asks for it. */
function withStrays(draft: Draft, strays: readonly Stray[], asked: boolean): Draft {
  const [first] = strays.filter(({ exact }) => exact);
  if (first !== undefined && !asked && draft.steps.some((step) => startsIt(step) && step.effect === 'start')) {
    const { pid, by, why } = first;
    return { ...draft, steps: [], held: { kind: 'stray', pid, by, why } };
  }
  return { ...draft, notices: [...draft.notices, ...strays.map((stray) => ({ kind: 'stray' as const, ...stray }))] };
}

/** The service's own object; one of others, where it may take its place as it is. */
function ownOf({ id, supervisor, state }: Service, world: World): Owned | undefined {
  const own = world.owned.get(id)?.find((object) => object.supervisor === supervisor || state === 'absent');
  const actual = own === undefined ? world.superseded(supervisor, id) : undefined;
  return actual === undefined ? own : { supervisor, actual };
}

/** What of ours may be the service besides its own object. Beside one that runs, former names are only in the way. */
function othersOf(
  { supervisor }: Service,
  own: readonly Owned[],
  olds: readonly Owned[],
  { unreadable }: World,
): readonly Owned[] {
  const runs = own.some((object) => object.supervisor === supervisor && alive(object.actual.run));
  return [
    ...own.filter((object) => object.supervisor !== supervisor),
    ...(runs ? [] : olds.filter(({ actual }) => !unreadable.has(actual.id))),
  ];
}

/** Why nothing may be done about a service at all, whatever it would need. */
function untouchable(service: Service, world: World, olds: readonly Owned[]): Held['reason'] | undefined {
  const { id, supervisor, state } = service;
  const problem = world.silent(supervisor) ?? world.unreadable.get(id)?.problem;
  if (problem !== undefined) return { kind: 'unreadable', problem };
  const foreigner = world.foreigner(supervisor, id);
  if (foreigner !== undefined) return foreigner;
  const own = world.owned.get(id) ?? [];
  const elsewhere = own.find((object) => object.supervisor !== supervisor);
  const inPlace = world.superseded(supervisor, id)?.owner;
  if (inPlace?.kind === 'foreign' && (own.length > 0 || state === 'absent'))
    return { kind: 'foreign', owner: inPlace.owner };
  if (state === 'absent') {
    // What is to be absent is removed wherever the one copy is.
    return elsewhere !== undefined && own.length > 1 ? { kind: 'handover', from: elsewhere.supervisor } : undefined;
  }
  const others = othersOf(service, own, olds, world);
  const moved = others.find((object) => object.supervisor !== supervisor);
  // Of several it can't be told which is to go; a supervisord can't be moved with all that it runs.
  if (moved !== undefined && (others.length > 1 || service.runs !== undefined)) {
    return { kind: 'handover', from: moved.supervisor };
  }
  if (own.length > 0 || moved !== undefined || inPlace !== undefined) return undefined;
  const lost = formerIds(service).map((old) => world.unreadable.get(old)?.problem);
  const doubt = lost.find((found) => found !== undefined) ?? world.doubt;
  if (doubt === undefined) return undefined;
  const summary = `cannot tell whether ${id} is elsewhere: ${doubt.summary}`;
  return { kind: 'unreadable', problem: { ...doubt, summary } };
}

function removal({ actual, supervisor }: Owned): Draft {
  const step = remove(actual, supervisor, { kind: 'not-wanted', state: 'absent' });
  return { service: actual.id, supervisor, steps: [step], notices: [] };
}

function held(service: Service, reason: Held['reason']): Draft {
  return { service: service.id, supervisor: service.supervisor, steps: [], held: reason, notices: [] };
}

function tableOf(means: Means, service: Service): FieldTable {
  const table = means.fields.get(service.supervisor);
  if (table === undefined) throw new Error(`no field table of ${service.supervisor}`);
  return table;
}
