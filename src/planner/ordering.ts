import type { Service, ServiceId, ServiceName, Step } from '../model.ts';
import { topological } from '../order.ts';
import { programOf } from './changes.ts';
import { alive, type Draft, nameOf, startsIt, stopsIt } from './draft.ts';
import { exitAllowed } from './exits.ts';
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
      if (draft === undefined || !draft.steps.some(({ effect }) => effect === 'start')) continue;
      const missing = service.after.find((needed) => !up(needed));
      if (missing === undefined) continue;
      const steps = draft.steps.filter((step) => !startsIt(step));
      byId.set(service.id, { ...draft, steps, held: { kind: 'needs', service: missing } });
    }
  }
  return drafts
    .map((draft) => byId.get(draft.service) ?? draft)
    .filter(({ makesWayFor }) => makesWayFor === undefined || byId.get(makesWayFor)?.held === undefined);
}

function isUp(service: Service, draft: Draft | undefined, ending: ReadonlySet<ServiceId>, world: World): boolean {
  if (draft?.steps.some(startsIt)) return true;
  if (ending.has(service.id)) return false;
  const run = world.owned.get(service.id)?.[0]?.actual.run;
  if (run === undefined) return false;
  return alive(run) || (run.kind === 'exited' && exitAllowed(service, run.exit));
}

/**
 * All steps with what each waits for, in that order: a start waits for the starts of what the service is after, a stop
 * for the stops of what is after it, and a creation for the removal of the same program under another name.
 */
export function ordered(drafts: readonly Draft[], services: readonly Service[], world: World): Step[] {
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

  const after = new Map(steps.map((step) => [step.id, new Set(step.after)]));
  const wait = (step: Step, befores: readonly Step[] | undefined) => {
    for (const before of befores ?? []) if (before.id !== step.id) after.get(step.id)?.add(before.id);
  };
  for (const step of steps) {
    for (const name of declared.get(step.service)?.after ?? []) {
      if (startsIt(step)) wait(step, starts.get(name));
      if (stopsIt(step)) for (const stop of stops.get(name) ?? []) wait(stop, [step]);
    }
    if (step.action === 'create') wait(step, programs.get(programOf(step.target?.definition.fields) ?? '-'));
  }
  for (const { service, makesWayFor } of drafts) {
    const removal = removals.get(service);
    if (makesWayFor === undefined || removal === undefined) continue;
    for (const step of steps) {
      if (step.service === makesWayFor && (startsIt(step) || step.action === 'create')) wait(step, [removal]);
    }
  }
  const byId = new Map(steps.map((step) => [step.id, step]));
  return topological(byId.keys(), (id) => after.get(id) ?? []).flatMap((id) => {
    const step = byId.get(id);
    // An update that goes before the step it serves is in the plan with it or not at all: nothing here is missing.
    return step === undefined ? [] : [{ ...step, after: [...(after.get(id) ?? [])].filter((a) => byId.has(a)).sort() }];
  });
}
