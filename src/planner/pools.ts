import type { Actual, Definition, Service, ServiceId, Step, SupervisorName } from '../model.ts';
import { alive, type Draft, handedOver, startsIt } from './draft.ts';
import type { World } from './world.ts';

/*
 * What a supervisor holds as one (`Definition.pool`): its members are started and stopped by themselves, and what they are
 * is said by all of their files together. So all of them are changed by one plan, or none; and what is loaded anew is
 * started anew as a whole.
 */

/** What is in a pool, or is to be. */
interface Member {
  readonly id: ServiceId;
  /** It is to be in it. */
  readonly wanted: boolean;
  /** It has no start of its own when the pool is loaded. */
  readonly rests: boolean;
  readonly actual: Actual | undefined;
  /** What does something about it; another service's where that takes its place. */
  readonly draft: Draft | undefined;
  /** `file`: its file is to say something else of the pool; `process`: what runs of it is to be something else. */
  readonly behind: 'file' | 'process' | undefined;
  /** What the pool is to be by this one. */
  readonly hash: string | undefined;
}

/**
 * Holds what can't be changed without others of its pool that stay as they are; where all of one is loaded anew, one step
 * says so (`together`), and the others come after it. Each has a step of its own all the same, so that the plan says so.
 */
export function pooled(
  drafts: readonly Draft[],
  services: readonly Service[],
  world: World,
  definitions: ReadonlyMap<ServiceId, Definition>,
): readonly Draft[] {
  const changed = new Map<Draft, Draft>();
  for (const members of poolsOf(drafts, services, world, definitions))
    for (const [draft, now] of changedTogether(members)) if (!changed.get(draft)?.held) changed.set(draft, now);
  return changed.size === 0 ? drafts : drafts.map((draft) => changed.get(draft) ?? draft);
}

function poolsOf(
  drafts: readonly Draft[],
  services: readonly Service[],
  world: World,
  definitions: ReadonlyMap<ServiceId, Definition>,
): readonly (readonly Member[])[] {
  const pools = new Map<string, { readonly supervisor: SupervisorName; readonly pool: string; ids: Set<ServiceId> }>();
  const add = (supervisor: SupervisorName, pool: string | undefined, id: ServiceId) => {
    if (pool === undefined) return;
    const key = `${supervisor} ${pool}`;
    const known = pools.get(key) ?? { supervisor, pool, ids: new Set() };
    known.ids.add(id);
    pools.set(key, known);
  };
  for (const { id, supervisor } of services) add(supervisor, definitions.get(id)?.pool, id);
  for (const [id, all] of world.owned)
    for (const { supervisor, actual } of all) add(supervisor, actual.definition.pool, id);
  if (pools.size === 0) return [];
  const declared = new Map(services.map((service) => [service.id, service]));
  const drivers = new Map(
    drafts.flatMap((draft) => draft.steps.flatMap(handedOver).map((old) => [old, draft] as const)),
  );
  const own = new Map(drafts.map((draft) => [draft.service, draft]));
  return [...pools.values()].map(({ supervisor, pool, ids }) =>
    [...ids].sort().map((id): Member => {
      const service = declared.get(id);
      const definition = definitions.get(id);
      const wanted = service?.supervisor === supervisor && definition?.pool === pool;
      const actual = world.owned.get(id)?.find((owned) => owned.supervisor === supervisor)?.actual;
      const rests = !wanted || !service.autostart || (service.state !== 'running' && service.state !== 'manual');
      const draft = own.get(id) ?? drivers.get(`${supervisor} ${id}`);
      const behind = wanted ? behindOf(actual, definition) : 'process';
      return { id, wanted, rests, actual, draft, behind, hash: wanted ? definition?.hash : undefined };
    }),
  );
}

function behindOf(actual: Actual | undefined, definition: Definition | undefined): Member['behind'] {
  if (actual?.definition.hash !== definition?.hash) return 'process';
  return actual?.definition.poolDigest === definition?.poolDigest ? undefined : 'file';
}

type Changes = readonly (readonly [before: Draft, now: Draft])[];

function changedTogether(members: readonly Member[]): Changes {
  const wanted = members.filter((member) => member.wanted);
  const behind = members.filter((member) => member.behind !== undefined);
  const left = behind.filter(({ draft }) => draft === undefined || !takesPart(draft));
  // One of them may be as it was, whatever Git says of it: then those stay that need nothing.
  const differ = wanted.some(({ hash }) => hash !== wanted[0]?.hash);
  const stays = left.length === 0 && differ ? wanted.filter((member) => member.behind === undefined) : left;
  if (stays.length > 0 || differ) return [...heldAlone(wanted), ...held(behind, stays)];
  const isNew = wanted.length > 0 && wanted.every((member) => member.behind === 'process');
  if (!isNew) return restartedTogether(wanted);
  // To load it would start them anew, which is to wait.
  const waiting = wanted.filter(({ actual, draft }) => isUp(actual) && mainOf(draft)?.effect !== 'restart');
  const moves = wanted.some(({ draft }) => mainOf(draft) !== undefined);
  if (waiting.length > 0) return moves ? held(behind, waiting, true) : [];
  return members.some(({ actual }) => actual !== undefined) ? led(wanted) : [];
}

/** They are what they were; what is staged, or was loaded otherwise by somebody, comes with a start of all. */
function restartedTogether(wanted: readonly Member[]): Changes {
  const starting = wanted.filter(starts);
  const isWhole = starting.length > 0 && stayingOf(wanted).every(({ actual, rests }) => rests && !isUp(actual));
  if (!isWhole) return heldAlone(wanted);
  const isSame = wanted.every(({ actual, behind }) => behind === undefined && isCurrent(actual));
  return isSame && wanted.some(({ actual }) => isUp(actual)) ? [] : led(starting);
}

/** Started by itself one would be what the others are, and what is to be stale no more would be so again. */
function heldAlone(wanted: readonly Member[]): Changes {
  const staying = stayingOf(wanted);
  const isOld = ({ actual }: Member) => isUp(actual) && actual.run.definition === 'stale';
  const vain = wanted.filter((one) => starts(one) && !isForHealth(one.draft) && (isOld(one) || staying.some(isOld)));
  return staying.length === 0 ? [] : held(vain, staying, staying.some(isOld));
}

/** Those that no step starts. */
function stayingOf(wanted: readonly Member[]): readonly Member[] {
  return wanted.filter((member) => !starts(member));
}

/** A step starts it, or starts it anew where it runs. */
function starts({ actual, draft }: Member): boolean {
  return isUp(actual) ? mainOf(draft)?.effect === 'restart' : draft?.steps.some(startsIt) === true;
}

/** As it is, whatever that is. */
function isForHealth(draft: Draft | undefined): boolean {
  return mainOf(draft)?.reason.kind === 'unhealthy';
}

type Running = Actual & { readonly run: Extract<Actual['run'], { readonly kind: 'running' | 'starting' }> };

function isUp(actual: Actual | undefined): actual is Running {
  return actual !== undefined && alive(actual.run);
}

function isCurrent(actual: Actual | undefined): boolean {
  return !isUp(actual) || actual.run.definition === 'current';
}

function held(members: readonly Member[], left: readonly Member[], restart = false): Changes {
  const others = left.map(({ id }) => id);
  const reason: Draft['held'] = { kind: 'pool', others, ...(restart ? { restart } : {}) };
  return members.flatMap(({ draft }) =>
    draft === undefined || !takesPart(draft) ? [] : [[draft, { ...draft, steps: [], held: reason }] as const],
  );
}

/** One that restarts goes first, since it is told with what changes. */
function led(members: readonly Member[]): Changes {
  const drafts = members.flatMap(({ draft }) => draft ?? []);
  const able = drafts.filter((draft) => mainOf(draft) !== undefined);
  const first =
    able.find((draft) => mainOf(draft)?.effect === 'restart') ??
    able.find(({ steps }) => steps.some(startsIt)) ??
    able[0];
  const leader = mainOf(first);
  if (first === undefined || leader === undefined || leader.reason.kind === 'with' || leader.handover !== undefined)
    return [];
  const together = drafts.flatMap(({ service }) => (service === first.service ? [] : [service]));
  return drafts.flatMap((draft) => {
    if (draft === first) return [[draft, withStep(draft, leader, { ...leader, together })] as const];
    const own = mainOf(draft);
    if (own === undefined) return [];
    const after = [...own.after, leader.id];
    const reason =
      own.effect === 'restart' ? ({ kind: 'with', service: first.service, pool: true } as const) : own.reason;
    return [[draft, withStep(draft, own, { ...own, after, reason })] as const];
  });
}

/** It is written, moved or taken away. */
function takesPart({ steps }: Draft): boolean {
  return steps.some(({ target, action }) => target !== undefined || action === 'remove');
}

/** The step that loads it. */
function mainOf(draft: Draft | undefined): Step | undefined {
  return draft?.steps.find(({ target, action }) => target !== undefined && action !== 'update' && action !== 'stop');
}

function withStep(draft: Draft, before: Step, now: Step): Draft {
  return { ...draft, steps: draft.steps.map((step) => (step === before ? now : step)) };
}
