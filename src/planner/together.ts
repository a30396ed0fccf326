import type { Actual, Definition, Service, ServiceId, Step } from '../model.ts';
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

/**
 * What its supervisor can only change as a whole (`Definition.pool`) is changed as a whole, or not at all. One of its steps
 * is told to (`together`), the rest come after that: each still has a step of its own, so that the plan says so.
 */
export function pooled(
  drafts: readonly Draft[],
  services: readonly Service[],
  world: World,
  definitions: ReadonlyMap<ServiceId, Definition>,
): readonly Draft[] {
  const members = services.flatMap((service): Member[] => {
    const { pool, hash } = definitions.get(service.id) ?? {};
    if (pool === undefined) return [];
    const owned = world.owned.get(service.id)?.find(({ supervisor }) => supervisor === service.supervisor);
    const draft = drafts.find((one) => one.service === service.id);
    const isBehind = owned?.actual.definition.hash !== hash;
    return [{ id: service.id, pool: `${service.supervisor} ${pool}`, actual: owned?.actual, draft, isBehind }];
  });
  const changed = new Map<ServiceId, Draft>();
  for (const pool of Map.groupBy(members, (member) => member.pool).values())
    for (const draft of changedTogether(pool)) changed.set(draft.service, draft);
  return changed.size === 0 ? drafts : drafts.map((draft) => changed.get(draft.service) ?? draft);
}

interface Member {
  readonly id: ServiceId;
  readonly pool: string;
  readonly actual: Actual | undefined;
  readonly draft: Draft | undefined;
  /** What is there is another definition than is wanted. */
  readonly isBehind: boolean;
}

function changedTogether(members: readonly Member[]): readonly Draft[] {
  const behind = members.filter(({ isBehind }) => isBehind);
  const left = behind.filter(({ draft }) => draft === undefined || mainOf(draft) === undefined).map(({ id }) => id);
  if (left.length > 0) {
    return behind.flatMap(({ id, draft }) =>
      left.includes(id) || draft === undefined ? [] : [{ ...draft, steps: [], held: { kind: 'pool', others: left } }],
    );
  }
  if (behind.length > 0) return members.some(({ actual }) => actual !== undefined) ? led(behind) : [];
  // All that run are restarted, and what was staged for the next start of all can come with it.
  const running = members.filter(({ actual }) => actual !== undefined && alive(actual.run));
  const isWhole = running.every(({ draft }) => draft !== undefined && mainOf(draft)?.effect === 'restart');
  if (!isWhole || !running.some(({ actual }) => isStaged(actual))) return [];
  return led(members.filter(({ draft }) => draft?.steps.some(startsIt)));
}

function isStaged(actual: Actual | undefined): boolean {
  return actual !== undefined && alive(actual.run) && actual.run.definition !== 'current';
}

/** One that restarts goes first, since it is told with what changes. */
function led(members: readonly Member[]): readonly Draft[] {
  const drafts = members.flatMap(({ draft }) => draft ?? []);
  const first = drafts.find((draft) => mainOf(draft)?.effect === 'restart') ?? drafts[0];
  const leader = first && mainOf(first);
  if (first === undefined || leader === undefined || leader.reason.kind === 'with') return [];
  const together = drafts.flatMap(({ service }) => (service === first.service ? [] : [service]));
  return drafts.map((draft) => {
    if (draft === first) return withStep(first, leader, { ...leader, together });
    const own = mainOf(draft);
    if (own === undefined) return draft;
    const after = [...own.after, leader.id];
    const reason =
      own.effect === 'restart' ? ({ kind: 'with', service: first.service, pool: true } as const) : own.reason;
    return withStep(draft, own, { ...own, after, reason });
  });
}

/** The step that loads it; an update leaves what is loaded. */
function mainOf({ steps }: Draft): Step | undefined {
  return steps.find(({ target, action }) => target !== undefined && action !== 'update');
}

function withStep(draft: Draft, before: Step, now: Step): Draft {
  return { ...draft, steps: draft.steps.map((step) => (step === before ? now : step)) };
}
