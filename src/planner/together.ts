import type { Definition, Service, ServiceId } from '../model.ts';
import { alive, type Draft, startsIt, step, stopsIt } from './draft.ts';
import type { World } from './world.ts';

/**
 * What is restarted since what runs it is: a supervisord takes all its programs with it. Each gets a step of its own, so
 * that the plan says so, and so that what does not start by itself is started again.
 */
export function restartedWith(
  drafts: readonly Draft[],
  services: readonly Service[],
  world: World,
  { definitions }: { readonly definitions: ReadonlyMap<ServiceId, Definition> },
): readonly Draft[] {
  const runners = new Map(services.flatMap(({ id, runs }) => (runs === undefined ? [] : [[runs, id] as const])));
  if (runners.size === 0) return drafts;
  const restarted = new Set(
    drafts.filter(({ steps }) => steps.some(({ effect }) => effect === 'restart')).map(({ service }) => service),
  );
  const declared = new Map(services.map((service) => [service.id, service]));
  return drafts.map((draft) => {
    const runner = runners.get(draft.supervisor);
    if (runner === undefined || !restarted.has(runner)) return draft;
    const service = declared.get(draft.service);
    const definition = definitions.get(draft.service);
    const actual = world.owned.get(draft.service)?.[0]?.actual;
    if (service === undefined || definition === undefined || actual === undefined || !alive(actual.run)) return draft;
    if (draft.steps.some((step) => startsIt(step) || stopsIt(step))) return draft;
    const own = step('restart', service, { kind: 'with', service: runner }, 'restart', actual, { service, definition });
    const before = draft.steps.map(({ id }) => id);
    return { ...draft, steps: [...draft.steps, { ...own, after: before }] };
  });
}

/** What its supervisor can only change together with what is not ours waits for a person's word. */
export function withNeighbours(
  drafts: readonly Draft[],
  asked: ReadonlySet<ServiceId>,
  world: World,
): readonly Draft[] {
  return drafts.map((draft) => {
    const neighbours = world.owned.get(draft.service)?.[0]?.actual.neighbours;
    const disruptive = draft.steps.some(({ effect }) => effect !== 'pid unchanged');
    if (neighbours === undefined || !disruptive) return draft;
    if (asked.has(draft.service)) {
      return { ...draft, notices: [...draft.notices, { kind: 'neighbours', service: draft.service, ...neighbours }] };
    }
    return { ...draft, steps: [], held: { kind: 'neighbours', ...neighbours } };
  });
}
