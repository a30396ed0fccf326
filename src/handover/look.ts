import { digest, type Json } from '../canonical.ts';
import type { Begun, Definition, Desired, Observed, Service, ServiceId } from '../model.ts';
import type { InPlace } from '../planner/handover.ts';
import type { Given } from '../planner/leftovers.ts';
import { formerIds } from '../planner/names.ts';
import { why } from '../problem.ts';
import type { Supervisors } from '../supervisors/index.ts';
import { keyOfThing, nameOfThing, type Thing, type ThingState, thingsOf } from '../thing.ts';
import { parseDuration } from '../units.ts';
import { soakOf } from '../verify/machine.ts';
import type { BegunStore, ReversedStore } from './begun.ts';
import type { Takers } from './takers.ts';

/** What a service has to end, where it does not say. */
const PATIENCE = 10_000;

/** What stands in the place of declared services, and what was taken for services that Git has no more. */
export interface Looked {
  readonly inPlace: ReadonlyMap<ServiceId, InPlace>;
  readonly given: ReadonlyMap<ServiceId, Given>;
  /** Not all marks could be read: what seems to be no more than left over may have something to give back. */
  readonly unsure: boolean;
}

export interface LookMeans {
  readonly supervisors: Supervisors;
  readonly takers: Takers;
  readonly begun: BegunStore;
  readonly reversed: ReversedStore;
  /** Does a thing run the service? What does not, restarts it. */
  readonly isCopy: (thing: Thing, service: Service) => boolean;
}

/** Reads only. Costs nothing where no service supersedes anything or is to move. */
export async function lookInPlace(
  desired: Desired,
  definitions: ReadonlyMap<ServiceId, Definition>,
  observed: Observed,
  means: LookMeans,
  signal: AbortSignal,
): Promise<Looked> {
  const begun = means.begun.read();
  const reversed = means.reversed.read();
  const moving = elsewhere(desired, observed);
  const concerned = desired.services.filter(
    ({ id, written }) => moving.has(id) || (written.supersedes ?? []).length > 0,
  );
  const inPlace = await Promise.all(
    concerned.map(async (service): Promise<readonly [ServiceId, InPlace]> => {
      const last = reversed.get(service.id);
      const same = last?.wanted === wantedOf(service, definitions.get(service.id));
      const running = begun.get(service.id);
      return [
        service.id,
        {
          ...placeOf(service, desired, means),
          things: await thingsIn(service, observed, means, signal),
          ...(running === undefined ? {} : { begun: running }),
          ...(last !== undefined && same ? { reversed: { at: last.at, problem: last.problem } } : {}),
        },
      ];
    }),
  );
  const { marked, unsure } = await marksIn(desired.policy.owner, means.takers, signal);
  return { inPlace: new Map(inPlace), given: await givenOf(desired, means, begun, marked, signal), unsure };
}

/** Of a service in whose place nothing stands. */
export function placeOf(
  service: Service,
  desired: Pick<Desired, 'policy'>,
  { supervisors }: Pick<LookMeans, 'supervisors'>,
): InPlace {
  const interim = interimOf(service, supervisors);
  return {
    things: [],
    soak: soakOf(service, desired),
    patience: parseDuration(service.written.stop?.timeout ?? '') ?? PATIENCE,
    ...(interim === undefined ? {} : { interim }),
  };
}

type Marked = Awaited<ReturnType<Takers['all'][number]['taken']>>;

/** A manager that can't be asked hides its marks, and nothing else: that is told where its services are. */
async function marksIn(
  owner: string,
  takers: Takers,
  signal: AbortSignal,
): Promise<{ readonly marked: Marked; readonly unsure: boolean }> {
  const asked = await Promise.allSettled(takers.all.map((taker) => taker.taken(owner, signal)));
  const marked = asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  return { marked, unsure: asked.some(({ status }) => status === 'rejected') };
}

/** A digest of all that Git says of a service, with what touches nothing by itself. */
export function wantedOf({ state, autostart, written }: Service, definition: Definition | undefined): string {
  return digest([state, autostart, definition?.hash ?? null, written as unknown as Json]);
}

/** The services that something of ours is of under another supervisor. */
function elsewhere({ services }: Desired, observed: Observed): ReadonlySet<ServiceId> {
  const places = new Map<ServiceId, string[]>();
  for (const [supervisor, reading] of observed) {
    if (reading.kind === 'unreadable') continue;
    for (const object of reading.objects) {
      if (object.kind !== 'actual' || object.owner.kind !== 'ours') continue;
      places.set(object.id, [...(places.get(object.id) ?? []), supervisor]);
    }
  }
  const isElsewhere = ({ supervisor }: Service, id: ServiceId) =>
    places.get(id)?.some((place) => place !== supervisor) === true;
  const moving = services.filter((service) =>
    [service.id, ...formerIds(service)].some((id) => isElsewhere(service, id)),
  );
  return new Set(moving.map(({ id }) => id));
}

/** The same definition, but for its start at boot. */
function interimOf(service: Service, supervisors: Supervisors): Definition | undefined {
  if (service.state === 'absent') return undefined;
  const defined = supervisors.get(service.supervisor)?.define({ ...service, autostart: false });
  return defined === undefined || Array.isArray(defined) ? undefined : (defined as Definition);
}

/** One thing stands in the place of the first instance alone. */
async function thingsIn(
  service: Service,
  observed: Observed,
  { takers, isCopy }: LookMeans,
  signal: AbortSignal,
): Promise<InPlace['things']> {
  if ((service.instance ?? 1) > 1) return [];
  return Promise.all(
    thingsBeside(service, observed).map(async (thing) => {
      const state = await lookAt(takers, thing, signal);
      return { thing, state, copy: isCopy(thing, service) };
    }),
  );
}

/**
 * What it takes the place of, but what is in its own place: that is its supervisor's to see to. A unit whose place it has
 * taken already is the service itself, also where it moves on to another supervisor.
 */
function thingsBeside({ id, name, supervisor, written }: Service, observed: Observed): Thing[] {
  const units = observed.get('systemd');
  const isOurs =
    units?.kind === 'read' &&
    units.objects.some((object) => object.kind === 'actual' && object.id === id && object.owner.kind === 'ours');
  const isOwn = (thing: Thing) => thing.kind === 'unit' && thing.unit === `${name}.service`;
  return thingsOf(written).filter((thing) => !(isOwn(thing) && (supervisor === 'systemd' || isOurs)));
}

async function lookAt(takers: Takers, thing: Thing, signal: AbortSignal): Promise<ThingState> {
  try {
    const [state] = await takers.of(thing).look([thing], signal);
    return state ?? { kind: 'absent' };
  } catch (error) {
    const summary = `cannot tell how ${nameOfThing(thing)} is: ${why(error)}`;
    return { kind: 'unreadable', problem: { code: 'thing-unreadable', summary } };
  }
}

/**
 * What bears the mark of a service that Git has no more. What somebody once started by hand is not given back: nobody but
 * that person can start it as it was.
 */
async function givenOf(
  desired: Desired,
  { takers }: LookMeans,
  begun: ReadonlyMap<ServiceId, Begun>,
  marked: Marked,
  signal: AbortSignal,
): Promise<Looked['given']> {
  const declared = new Set(desired.services.flatMap((service) => [service.id, ...formerIds(service)]));
  const own = desired.services.filter(({ supervisor }) => supervisor === 'systemd');
  const units = new Set(own.map(({ id, written }) => written.unit ?? `${id}.service`));
  const superseded = new Set(desired.services.flatMap(({ written }) => thingsOf(written).map(keyOfThing)));
  const names = new Set(marked.map(({ thing }) => keyOfThing(thing)));
  // A run that was ended has taken their marks off already.
  const unmarked = [...begun.values()].flatMap(({ given = [] }) =>
    given.filter(({ thing }) => !names.has(keyOfThing(thing))),
  );
  const given = [...marked, ...unmarked].filter(({ thing, taken }) => {
    const known = thing.kind === 'unit' && units.has(thing.unit);
    return thing.kind !== 'process' && !known && !declared.has(taken.by) && !superseded.has(keyOfThing(thing));
  });
  const things = await Promise.all(
    given.map(async (one) => ({ ...one, state: await lookAt(takers, one.thing, signal) })),
  );
  const byService = Map.groupBy(things, ({ taken }) => taken.by);
  return new Map(
    [...byService].map(([id, things]) => {
      const running = begun.get(id);
      return [id, { things, patience: PATIENCE, ...(running === undefined ? {} : { begun: running }) }];
    }),
  );
}
