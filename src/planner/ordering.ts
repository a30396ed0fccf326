import type { Service, ServiceId, ServiceName, Step } from '../model.ts';
import { topological } from '../order.ts';
import { programOf } from './changes.ts';
import { alive, type Draft, isHandover, loadsFirst, nameOf, startsIt, stopsIt } from './draft.ts';
import { exitAllowed } from './exits.ts';
import { type Stuck, type Turns, takeTurns } from './turns.ts';
import type { World } from './world.ts';

/**
 * Holds what would be started although something it needs is not running and is not started by this plan, and so on
 * through its dependents. `drafts` are those of `all` that were chosen: a start that was not chosen helps nobody. Drops removals that make way for a service that is held.
 */
export function holdNeedy(
  drafts: readonly Draft[],
  all: readonly Draft[],
  services: readonly Service[],
  world: World,
): Draft[] {
  const byName = Map.groupBy(services, ({ name }) => name);
  const byId = new Map(drafts.map((draft) => [draft.service, draft]));
  const after = new Map([...byName].map(([name, all]) => [name, new Set(all.flatMap((service) => service.after))]));
  const ending = new Set(all.filter(({ steps }) => steps.some(stopsIt)).map(({ service }) => service));
  const up = (name: ServiceName) => {
    const needed = byName.get(name) ?? [];
    return needed.length > 0 && needed.every((service) => isUp(service, byId.get(service.id), ending, world));
  };
  for (const name of topological(byName.keys(), (name) => after.get(name) ?? [])) {
    for (const service of byName.get(name) ?? []) {
      const draft = byId.get(service.id);
      if (
        draft === undefined ||
        !draft.steps.some((step) => step.effect === 'start' || (isHandover(step) && startsIt(step)))
      )
        continue;
      const needed = service.after.find((one) => !up(one));
      const coming = comingFor(draft, byId, world);
      const missing = needed ?? coming;
      if (missing === undefined) continue;
      // What is only loaded waits with what it is loaded for.
      const steps = loadsFirst(draft) ? [] : draft.steps.filter((step) => !startsIt(step));
      byId.set(service.id, {
        ...draft,
        steps,
        held: { kind: 'needs', service: missing, ...(needed === undefined ? { coming: true } : {}) },
      });
    }
  }
  return drafts
    .map((draft) => byId.get(draft.service) ?? draft)
    .filter(({ makesWayFor }) => makesWayFor === undefined || byId.get(makesWayFor)?.held === undefined);
}

/**
 * What runs something that is to be handed over from it, is down with all of it, and is about to be started: what is left of
 * that, and what it will start of it, is known when it is up.
 */
function comingFor(draft: Draft, byId: ReadonlyMap<ServiceId, Draft>, world: World): ServiceId | undefined {
  const from = draft.steps.flatMap(({ handover }) => handover?.from ?? []);
  const runners = from.flatMap((old) =>
    old.kind === 'own' && old.run.kind === 'stopped' ? (old.run.stoppedWith ?? []) : [],
  );
  return runners.find((id) => {
    const starts = byId.get(id)?.steps.some(({ effect }) => effect === 'start') === true;
    return starts || (world.owned.get(id) ?? []).some(({ actual: { run } }) => alive(run) || run.kind === 'backoff');
  });
}

function isUp(service: Service, draft: Draft | undefined, ending: ReadonlySet<ServiceId>, world: World): boolean {
  if (draft?.steps.some(startsIt)) return true;
  if (ending.has(service.id)) return false;
  const runs = (world.owned.get(service.id) ?? []).map(({ actual }) => actual.run);
  return runs.some((run) => alive(run) || (run.kind === 'exited' && exitAllowed(service, run.exit)));
}

/**
 * All steps with what each waits for, in that order: a start waits for the starts of what the service is after, a stop
 * for the stops of what is after it, and a creation for the removal of the same program under another name.
 */
export function ordered(
  drafts: readonly Draft[],
  services: readonly Service[],
  world: World,
  { max, inPlace }: Pick<Turns, 'max' | 'inPlace'>,
): { readonly steps: Step[]; readonly stuck: Stuck } {
  const steps = drafts
    .flatMap((draft) => draft.steps)
    .sort((a, b) => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0));
  const starts = Map.groupBy(steps.filter(startsIt), ({ service }) => nameOf(service));
  const stops = Map.groupBy(steps.filter(stopsIt), ({ service }) => nameOf(service));
  const declared = new Map(services.map((service) => [service.id, service]));
  const removals = new Map(steps.filter(({ action }) => action === 'remove').map((step) => [step.service, step]));
  const programs = Map.groupBy(removals.values(), ({ service }) => {
    return programOf(world.owned.get(service)?.[0]?.actual.definition.fields) ?? '';
  });

  // What makes way for another in its turn is waited for by that one alone.
  const rolling = new Set(
    drafts.flatMap(({ service, makesWayFor = '' }) =>
      max.has(declared.get(makesWayFor)?.group ?? '') ? [service] : [],
    ),
  );
  const loads = new Set(drafts.filter(loadsFirst).flatMap(({ steps }) => steps.filter(isLoad).map(({ id }) => id)));
  const after = new Map(steps.map((step) => [step.id, new Set(step.after)]));
  const wait = (step: Step, befores: readonly Step[] | undefined) => {
    for (const before of befores ?? []) if (before.id !== step.id) after.get(step.id)?.add(before.id);
  };
  for (const step of steps) {
    for (const name of declared.get(step.service)?.after ?? []) {
      if (startsIt(step)) wait(step, starts.get(name));
      if (stopsIt(step)) for (const stop of stops.get(name) ?? []) wait(stop, [step]);
    }
    // What is loaded for a handover is loaded by what was started first.
    if (step.action === 'create' && step.effect === 'none') {
      for (const name of declared.get(step.service)?.after ?? []) {
        if (services.some(({ id, runs }) => id === name && runs === step.supervisor)) wait(step, starts.get(name));
      }
    }
    // What is only loaded is no second copy: its handover is what has to wait.
    if ((step.action === 'create' && !loads.has(step.id)) || (isHandover(step) && startsIt(step))) {
      const before = programs.get(programOf(step.target?.definition.fields) ?? '-');
      wait(
        step,
        before?.filter(({ service }) => !rolling.has(service)),
      );
    }
  }
  for (const { service, makesWayFor } of drafts) {
    const removal = removals.get(service);
    if (makesWayFor === undefined || removal === undefined) continue;
    for (const step of steps) {
      const comes = startsIt(step) || (step.action === 'create' && !loads.has(step.id));
      if (step.service === makesWayFor && comes) wait(step, [removal]);
    }
  }
  inTheirOrder(drafts, declared, wait);
  const stuck: Stuck = max.size === 0 ? new Map() : takeTurns({ drafts, steps, after, services, world, inPlace, max });
  const byId = new Map(steps.map((step) => [step.id, step]));
  const all = topological(byId.keys(), (id) => after.get(id) ?? []).flatMap((id) => {
    const step = byId.get(id);
    // An update that goes before the step it serves is in the plan with it or not at all: nothing here is missing.
    return step === undefined ? [] : [{ ...step, after: [...(after.get(id) ?? [])].filter((a) => byId.has(a)).sort() }];
  });
  return { steps: all, stuck };
}

/**
 * Everything new is loaded before anything is stopped, and whatever restarts services goes before those: then one service
 * after the other of a group, so that what fails stops the rest of it. What runs others goes when the last of them is gone.
 */
function inTheirOrder(
  drafts: readonly Draft[],
  declared: ReadonlyMap<ServiceId, Service>,
  wait: (step: Step, befores: readonly Step[] | undefined) => void,
): void {
  const over = drafts.filter(({ steps }) => steps.some(isHandover));
  // What starts nothing new is no matter to the others.
  const handovers = over.flatMap(({ steps }) => steps.filter((step) => isHandover(step) && startsIt(step)));
  const loaded = drafts.filter(loadsFirst).flatMap(({ steps }) => steps.filter(isLoad));
  const retirements = drafts.flatMap(({ steps }) => steps.filter(({ action }) => action === 'retire'));
  for (const retirement of retirements) wait(retirement, loaded);
  // What would start it again, or is a copy of it, goes before it is started anyhow.
  for (const { steps } of drafts) {
    for (const step of steps.filter(startsIt))
      wait(
        step,
        steps.filter(({ action }) => action === 'retire'),
      );
  }
  for (const handover of handovers) {
    wait(handover, loaded);
    wait(handover, retirements);
  }
  // What a service takes the place of is one copy of it: none of its instances starts beside that.
  for (const handover of handovers.filter(({ handover }) => handover?.from.some(({ kind }) => kind === 'thing'))) {
    for (const { service, steps } of drafts) {
      if (nameOf(service) !== nameOf(handover.service)) continue;
      for (const step of steps) if (startsIt(step) && !isHandover(step)) wait(step, [handover]);
    }
  }
  // One order for all, so that no two groups wait for each other.
  const order = topological(declared.keys(), (id) => declared.get(id)?.afterIds ?? []);
  const place = new Map(order.map((id, i) => [id, i]));
  // Instances of one service share what defines them, and so go one by one as well.
  const groups = Map.groupBy(handovers, ({ service }) => declared.get(service)?.group ?? ` ${nameOf(service)}`);
  for (const group of groups.values()) {
    const sorted = group.sort((a, b) => (place.get(a.service) ?? 0) - (place.get(b.service) ?? 0));
    for (const [i, handover] of sorted.entries()) wait(handover, sorted.slice(Math.max(0, i - 1), i));
  }
  const all = drafts.flatMap((draft) => draft.steps);
  for (const { service, steps } of drafts) {
    const { runs } = declared.get(service) ?? {};
    if (runs === undefined) continue;
    const others = all.filter(({ supervisor, handover }) => {
      return (
        supervisor === runs || handover?.from.some((old) => old.kind === 'own' && old.supervisor === runs) === true
      );
    });
    for (const step of steps.filter(stopsIt)) wait(step, others);
    // One that is down can't be told anything, and starts what its files say.
    const start = steps.filter(({ effect }) => effect === 'start');
    for (const step of others) wait(step, start);
  }
}

/** A definition that is written and read for a handover, and starts nothing. */
function isLoad({ action, effect }: Step): boolean {
  return (action === 'create' || action === 'replace') && effect === 'none';
}
