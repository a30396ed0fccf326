import { digest, type Json } from './canonical.ts';
import type {
  Definition,
  Desired,
  FieldTable,
  Held,
  Notice,
  Observed,
  Plan,
  ServiceId,
  Step,
  SupervisorName,
} from './model.ts';
import { type Control, controlled } from './planner/control.ts';
import { declared, type Stray } from './planner/declared.ts';
import { type Draft, handedOver, nameOf } from './planner/draft.ts';
import type { Hold } from './planner/drift.ts';
import { keepForLast, keepShared, reloads } from './planner/files.ts';
import type { InPlace } from './planner/handover.ts';
import { behindTheFirst } from './planner/instances.ts';
import { type Given, leftover } from './planner/leftovers.ts';
import { undeclared } from './planner/names.ts';
import { holdNeedy, ordered } from './planner/ordering.ts';
import { pooled } from './planner/pools.ts';
import { restartedWith, withNeighbours } from './planner/together.ts';
import { withoutTurn } from './planner/turns.ts';
import type { Unwell } from './planner/unwell.ts';
import { survey, type World } from './planner/world.ts';
import type { Problem } from './problem.ts';
import { formatRevision } from './revision.ts';

export interface PlanInput {
  /** Services with their `inputs` filled. */
  readonly desired: Desired;
  /** For every service that is not absent. */
  readonly definitions: ReadonlyMap<ServiceId, Definition>;
  readonly fields: ReadonlyMap<SupervisorName, FieldTable>;
  readonly observed: Observed;
  /** Services that must not be started or restarted now, and why: a missing command, an unreadable environment file. */
  readonly blocked: ReadonlyMap<ServiceId, Problem>;
  /** Services that a person asks to start: also where they wait for a first start, are FATAL or HELD. */
  readonly asked: ReadonlySet<ServiceId>;
  /** Services that a person asks to stop, or to restart. */
  readonly stops?: ReadonlySet<ServiceId>;
  readonly restarts?: ReadonlySet<ServiceId>;
  /** What waits for the next start of its process is to take effect now. */
  readonly restartStaged?: boolean;
  /** Services that Git has not changed since they were last as desired, where others than us can change them on the host. */
  readonly settled?: ReadonlySet<ServiceId>;
  /** Services that were not started yet for what Git wants of them now, where that is known. */
  readonly untried?: ReadonlySet<ServiceId>;
  /** Services left as somebody made them. */
  readonly holds?: ReadonlyMap<ServiceId, Hold>;
  /** What is in the place of services: what they supersede, and what is known of their handovers. */
  readonly inPlace?: ReadonlyMap<ServiceId, InPlace>;
  /** What services had superseded that Git has no more. */
  readonly given?: ReadonlyMap<ServiceId, Given>;
  /** Processes that run a service's command beside its supervisor. */
  readonly strays?: readonly Stray[];
  /** Services that somebody keeps undoing. */
  readonly duels?: ReadonlyMap<ServiceId, Extract<Held['reason'], { readonly kind: 'duel' }>>;
  /** Who else claims services. */
  readonly conflicts?: readonly Extract<Notice, { readonly kind: 'conflict' }>[];
  /** Whose changes have to wait, and why; absent: nobody's. */
  readonly control?: Control;
  /** Services with a failing probe that says what to do about it. */
  readonly unwell?: ReadonlyMap<ServiceId, Unwell>;
  /** Only these services' steps, by name or id. */
  readonly only?: ReadonlySet<string> | undefined;
}

/**
 * What has to be done so that the host becomes as Git says, in order and with the reason for each step; and what is
 * deliberately not done. Pure: the same input gives the same plan, whatever order things come in.
 */
export function plan(input: PlanInput): Plan {
  const { desired, only } = input;
  const { services } = desired;
  const world = survey(input.observed);
  const others = undeclared(services, world);
  const { settled = new Set(), untried = new Set(), holds = new Map(), restartStaged = false } = input;
  const { stops = new Set(), restarts = new Set() } = input;
  const drift = desired.policy.drift ?? 'hold';
  const { inPlace = new Map(), duels = new Map(), strays = [], given = new Map(), conflicts = [] } = input;
  const { unwell = new Map() } = input;
  const { owner } = desired.policy;
  const means = {
    ...input,
    settled,
    untried,
    holds,
    restartStaged,
    drift,
    inPlace,
    duels,
    strays,
    owner,
    unwell,
    stops,
    restarts,
  };
  const ours = declared(services, world, others, means);
  const suspected = new Set(ours.flatMap(({ held }) => (held?.kind === 'maybe-renamed' ? [held.from] : [])));
  const ids = new Set(services.map(({ id }) => id));
  // What is handed over to another name goes with that.
  const over = new Set(ours.flatMap(({ steps }) => steps.flatMap(handedOver)));
  const left = leftover(others, ids, suspected, desired.policy.prune, world, given);
  const whole = [...ours, ...left.filter(({ service, supervisor }) => !over.has(`${supervisor} ${service}`))];
  const free = controlled(whole, services, new Set([...input.asked, ...stops, ...restarts]), world, input.control);
  const { drafts, steps: arranged } = arrange(free, input, world, inPlace);

  const steps = keepForLast(keepShared(arranged, input.definitions.values()));
  const read = [...new Set(steps.filter(reloads).map(({ supervisor }) => supervisor))].sort();
  const held = drafts.flatMap((draft): Held[] => {
    const { service, supervisor, held } = draft;
    return held === undefined ? [] : [{ service, supervisor, reason: held }];
  });
  // Beside what is done to it, so that it is told for as long as it is so.
  for (const [id, reason] of desired.quarantined ?? []) {
    const service = services.find((one) => one.id === id);
    const isChosen = only === undefined || only.has(id) || only.has(nameOf(id));
    if (service === undefined || !isChosen || held.some((one) => one.service === id)) continue;
    held.push({ service: id, supervisor: service.supervisor, reason });
  }
  const remarks = [...input.observed].flatMap(([service, reading]): Notice[] =>
    reading.kind === 'read' ? (reading.remarks ?? []).map((problem) => ({ kind: 'remark', service, problem })) : [],
  );
  const claimed = conflicts.filter(
    ({ service }) => only === undefined || only.has(service) || only.has(nameOf(service)),
  );
  const leftAlone = new Set(
    held.flatMap(({ service, reason }) => (reason.kind === 'hold' ? [service, nameOf(service)] : [])),
  );
  const frozen = (input.control?.notices ?? []).filter(
    ({ kind, service }) =>
      kind !== 'hold' ||
      (!leftAlone.has(service) && (only === undefined || only.has(service) || only.has(nameOf(service)))),
  );
  const notices = [...remarks, ...frozen, ...claimed, ...drafts.flatMap((draft): readonly Notice[] => draft.notices)];
  return {
    version: 1,
    revision: formatRevision(desired.revision),
    fingerprint: fingerprint(desired, steps, held),
    steps,
    held: held.sort(byService),
    notices: notices.sort(byService),
    ...(read.length === 0 ? {} : { reloads: read }),
  };
}

/** What is done now, in order; what finds no room in its group's turns waits, and what is not to be done without it. */
function arrange(
  free: readonly Draft[],
  { desired, only, asked, definitions }: PlanInput,
  world: World,
  inPlace: ReadonlyMap<ServiceId, InPlace>,
): { readonly drafts: readonly Draft[]; readonly steps: readonly Step[] } {
  const { services } = desired;
  const max = new Map(
    Object.entries(desired.policy.written.groups ?? {}).flatMap(([group, { maxUnavailable }]) =>
      maxUnavailable === undefined ? [] : [[group, maxUnavailable] as const],
    ),
  );
  for (let all = free; ; ) {
    const chosen = only === undefined ? all : choose(all, only);
    const needed = holdNeedy(behindTheFirst(chosen, services, world, inPlace), all, services, world);
    const alone = withNeighbours(restartedWith(needed, services, world, { definitions }), asked, world);
    const drafts = pooled(alone, services, world, definitions);
    const { steps, stuck } = ordered(drafts, services, world, { max, inPlace });
    if (stuck.size === 0) return { drafts, steps };
    all = all.map((draft) => withoutTurn(draft, stuck));
  }
}

/** A rename is chosen as a whole, by its old name or its new one: never both copies, never none. */
function choose(drafts: readonly Draft[], only: ReadonlySet<string>): Draft[] {
  const chosen = ({ service }: { readonly service: ServiceId }) => only.has(service) || only.has(nameOf(service));
  const renamed = new Set(drafts.filter(chosen).map(({ makesWayFor }) => makesWayFor));
  return drafts.filter((draft) => {
    const { service, makesWayFor } = draft;
    if (chosen(draft) || renamed.has(service)) return true;
    return makesWayFor !== undefined && (renamed.has(makesWayFor) || chosen({ service: makesWayFor }));
  });
}

/** A digest of all that a saved plan relies on: the revision, and of each step what it saw and what it would make. */
function fingerprint(desired: Desired, steps: readonly Step[], held: readonly Held[]): string {
  const seen = (step: Step): Json => {
    if (step.seen.kind === 'absent') return null;
    const ends = step.effect === 'stop' || step.effect === 'restart';
    return [step.seen.hash ?? null, step.seen.run, (ends ? step.seen.pid : undefined) ?? null];
  };
  return digest([
    desired.revision.content,
    steps.map((step): Json => {
      const { hash, fields } = step.target?.definition ?? {};
      const writes: Json[] = (step.files ?? []).map(({ path, from, to }) => [path, from ?? null, to ?? null]);
      if (step.boot !== undefined) writes.push([step.boot.from, step.boot.to]);
      return [step.id, step.supervisor, step.effect, seen(step), hash ?? null, fields ?? null, ...writes];
    }),
    // That it was waited long enough for a gate is the clock's doing.
    held
      .map(({ service, reason }) => `${service} ${reason.kind === 'approval' && reason.gate ? 'gate' : reason.kind}`)
      .sort(),
  ]);
}

function byService(a: { readonly service: ServiceId }, b: { readonly service: ServiceId }): number {
  return a.service === b.service ? 0 : a.service < b.service ? -1 : 1;
}
