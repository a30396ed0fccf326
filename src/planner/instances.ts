import type { Definition, Held, Reason, Service, ServiceId, ServiceName, Step } from '../model.ts';
import { nameOfThing } from '../thing.ts';
import { alive, type Draft, isHandover, nameOf, startsIt, step } from './draft.ts';
import { writesFor } from './files.ts';
import { type InPlace, loadedAs, loadOf } from './handover.ts';
import type { World } from './world.ts';

/**
 * What a service takes the place of is one copy of it, and its first instance takes it over. Until that is done no other
 * instance may start: not by us, not at a boot, and not by a supervisord that reads their files and starts all there is.
 * So these are written with no start at boot, and get their own when they are started. Where the first one's handover is
 * not done by this plan, and the old one runs, they are held.
 */
export function behindTheFirst(
  drafts: readonly Draft[],
  services: readonly Service[],
  world: World,
  inPlace: ReadonlyMap<ServiceId, InPlace>,
): readonly Draft[] {
  const olds = new Map(services.flatMap((service) => oldOf(service, drafts, world, inPlace)));
  if (olds.size === 0) return drafts;
  const declared = new Map(services.map((service) => [service.id, service]));
  return drafts.map((draft) => {
    const old = olds.get(nameOf(draft.service));
    const service = declared.get(draft.service);
    if (old === undefined || service === undefined || draft.service === old.first) return draft;
    if (!draft.steps.some(startsIt) || draft.steps.some(isHandover)) return draft;
    if (old.held !== undefined) return { ...draft, steps: [], held: old.held };
    return {
      ...draft,
      steps: draft.steps.flatMap((step) => later(step, service, inPlace.get(service.id)?.interim, old)),
    };
  });
}

/** What is in no file is started by nobody else. */
function later(step: Step, service: Service, interim: Definition | undefined, { reason }: Old): readonly Step[] {
  if (!startsIt(step) || (step.files === undefined && step.boot === undefined)) return [step];
  if (step.action === 'create' && interim !== undefined) return inTwo(step, service, interim, reason);
  // A run that was ended has written it so already.
  return [{ ...step, late: true }];
}

interface Old {
  readonly first: ServiceId;
  readonly reason: Reason;
  /** It stays, and runs. */
  readonly held?: Held['reason'];
}

/** What the first instance of a service is to take over. */
function oldOf(
  { id, name, instance }: Service,
  drafts: readonly Draft[],
  world: World,
  inPlace: ReadonlyMap<ServiceId, InPlace>,
): (readonly [ServiceName, Old])[] {
  if (instance !== 1) return [];
  const copies = (inPlace.get(id)?.things ?? []).filter(({ copy, state }) => copy && state.kind === 'there');
  if (copies.length === 0) return [];
  const reason: Reason = { kind: 'behind', service: id, things: copies.map(({ thing }) => nameOfThing(thing)) };
  const steps = drafts.find(({ service }) => service === id)?.steps ?? [];
  if (steps.some((step) => isHandover(step) && step.handover?.from.some(({ kind }) => kind === 'thing')))
    return [[name, { first: id, reason }]];
  const runs = (world.owned.get(id) ?? []).some(({ actual }) => alive(actual.run));
  const isUp = copies.some(({ state }) => state.kind === 'there' && (state.processes.length > 0 || state.starting));
  return runs || !isUp ? [] : [[name, { first: id, reason, held: { kind: 'needs', service: id } }]];
}

/** It is written and read with no start of its own, and made as declared when it is started. */
function inTwo({ target }: Step, service: Service, interim: Definition, reason: Reason): readonly Step[] {
  const load = loadOf(service, undefined, interim);
  if (load === undefined || target === undefined) throw new Error(`no definition of ${service.id}`);
  const loaded = loadedAs(service.id, undefined, interim);
  const written = writesFor(loaded, target.definition, false);
  return [
    load,
    { ...step('start', service, reason, 'start', loaded, target), ...written, after: [load.id], late: true },
  ];
}
