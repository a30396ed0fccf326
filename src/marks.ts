import { join } from 'node:path';
import { digest } from './canonical.ts';
import { isObject, readDecision, writeDecision } from './decisions.ts';
import type { Definition, DriftKind, Observed, Plan, Reading, Report, Service, ServiceId } from './model.ts';
import type { Hold } from './planner/drift.ts';

/**
 * What is remembered of a service that others can change on the host. `settled`: a digest of what Git wanted when it was
 * last so. As long as Git still wants that, a difference is somebody's doing, and not an apply that was interrupted.
 */
export interface Mark {
  readonly settled?: string;
  /** What Git wanted when it was last started for it, with whatever success: that it fails is no news then. */
  readonly tried?: string;
  /** The process that is to be ended so that it starts from what its files say by now: it may stem from something else. */
  readonly restarting?: number;
  /** It is left as somebody made it, between these times (ms since the epoch). */
  readonly hold?: {
    readonly what: DriftKind;
    readonly since: number;
    readonly until: number;
    /** Who made it so, as far as anything shows it. */
    readonly by?: string;
    /** A person has said that it is over. */
    readonly released?: true;
  };
}

export type Marks = Readonly<Record<ServiceId, Mark>>;

/** How long (ms) what a person did is left so. */
export const HOLD = 3_600_000;

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'services.json');

export function readMarks(stateDir: string): Marks {
  return readDecision(fileOf(stateDir), isMarks) ?? {};
}

/** Writes them where they have changed. */
export function saveMarks(stateDir: string, before: Marks, after: Marks): void {
  if (JSON.stringify(before) !== JSON.stringify(after)) writeDecision(fileOf(stateDir), after);
}

const isMarks = (value: unknown): value is Marks =>
  isObject(value) &&
  Object.values(value).every(
    (mark) =>
      isObject(mark) &&
      [mark.settled, mark.tried].every((text) => text === undefined || typeof text === 'string') &&
      (mark.restarting === undefined || typeof mark.restarting === 'number') &&
      (mark.hold === undefined || (isObject(mark.hold) && typeof mark.hold.until === 'number')),
  );

const digests = new WeakMap<Service, { readonly of: Definition | undefined; readonly digest: string }>();

/** What Git wants of a service, as a digest. How a version of this tool writes it is no matter. */
export function wantedDigest(service: Service, definition: Definition | undefined): string {
  const known = digests.get(service);
  if (known !== undefined && known.of === definition) return known.digest;
  const { state, autostart } = service;
  const { boot = null, hash = null, fields = null } = definition ?? {};
  const made = { of: definition, digest: digest([state, autostart, boot, hash, fields]) };
  digests.set(service, made);
  return made.digest;
}

/**
 * The services that Git has not changed since they were last as it wanted. What a run was about to restart, and did not see
 * through, is none of them: that it is down is no other's doing.
 */
export function settledOf(marks: Marks, wanted: ReadonlyMap<ServiceId, string>): ReadonlySet<ServiceId> {
  const isSettled = (id: ServiceId, now: string) => marks[id]?.settled === now && marks[id]?.restarting === undefined;
  return new Set([...wanted].filter(([id, now]) => isSettled(id, now)).map(([id]) => id));
}

/**
 * The services that were never started for what Git wants now, but were for something else: a run that was to do so may
 * have been interrupted. Of what nothing is remembered that can't be said.
 */
export function untriedOf(marks: Marks, wanted: ReadonlyMap<ServiceId, string>): ReadonlySet<ServiceId> {
  const isUntried = (id: ServiceId, now: string) => {
    const { tried, settled } = marks[id] ?? {};
    return (tried !== undefined || settled !== undefined) && tried !== now && settled !== now;
  };
  return new Set([...wanted].filter(([id, now]) => isUntried(id, now)).map(([id]) => id));
}

/** A process that an interrupted run was about to replace is stale, though its files may be as they should be by now. */
export function withRestarting(observed: Observed, marks: Marks): Observed {
  return new Map(
    [...observed].map(([name, reading]) => [name, reading.kind === 'read' ? marked(reading, marks) : reading]),
  );
}

function marked(reading: Extract<Reading, { kind: 'read' }>, marks: Marks): Reading {
  const objects = reading.objects.map((object) => {
    if (object.kind !== 'actual' || object.run.kind !== 'running') return object;
    const stale = marks[object.id]?.restarting === object.run.pid;
    return stale ? { ...object, run: { ...object.run, definition: 'stale' as const } } : object;
  });
  return { ...reading, objects };
}

/** By what it is told how long and for whom something is left as somebody made it. */
export interface HoldMeans {
  /** ms since the epoch */
  readonly now: number;
  /** ms */
  readonly long?: number;
  /** Who made it so, of what is new. */
  readonly by?: ReadonlyMap<ServiceId, string>;
  /** What a person wants no longer left so. */
  readonly released?: ReadonlySet<ServiceId>;
}

/**
 * What is to be remembered before an apply, lest it is interrupted or takes long: which processes it is about to replace,
 * and what it leaves as somebody made it, from now on.
 */
export function marksBefore(
  before: Marks,
  wanted: ReadonlyMap<ServiceId, string>,
  { steps, held }: Pick<Plan, 'steps' | 'held'>,
  { now, long = HOLD, by = new Map(), released = new Set() }: HoldMeans,
): Marks {
  const after: Record<ServiceId, Mark> = { ...before };
  for (const { service, reason } of held) {
    if (!wanted.has(service)) continue;
    if (reason.kind === 'drift') {
      const who = by.get(service);
      const more = who === undefined ? {} : { by: who };
      after[service] = { hold: { what: reason.what, since: now, until: now + long, ...more }, ...after[service] };
    } else if (reason.kind === 'hold' && reason.what !== undefined) {
      // Once that hold is over this one is too: it is of one piece with it.
      const { what, since, until = since, by: who } = reason;
      after[service] = { hold: { what, since, until, by: who }, ...after[service] };
    }
  }
  for (const service of released) {
    if (!wanted.has(service)) continue;
    const hold = after[service]?.hold ?? { what: 'stopped', since: now, until: now };
    after[service] = { ...after[service], hold: { ...hold, released: true } };
  }
  for (const { service, effect, seen } of steps) {
    if (effect !== 'restart' || seen.kind === 'absent' || seen.pid === undefined || !wanted.has(service)) continue;
    after[service] = { ...after[service], restarting: seen.pid };
  }
  return after;
}

/** What is left as somebody made it, and whether it is over; where a person has to say so (`gated`), it stays. */
export function holdsOf(
  marks: Marks,
  now: number,
  gated: ReadonlySet<ServiceId> = new Set(),
  released: ReadonlySet<ServiceId> = new Set(),
): ReadonlyMap<ServiceId, Hold> {
  const kept = Object.entries(marks).flatMap(([id, { hold }]): [ServiceId, Hold][] => {
    if (hold === undefined) return [];
    const { what, until, by } = hold;
    const over = hold.released === true;
    const expired = over || until <= now;
    const stays = expired && !over && gated.has(id);
    return [[id, { what, until, expired, ...(by === undefined ? {} : { by }), ...(stays ? { stays } : {}) }]];
  });
  const ended = [...released].map((id): [ServiceId, Hold] => [id, { until: now, expired: true }]);
  return new Map([...kept, ...ended]);
}

/** What is found to be otherwise than it was, and was not yet. */
export function newDrift({ held }: Pick<Plan, 'held'>, before: Marks): readonly ServiceId[] {
  return held.flatMap(({ service, reason }) =>
    reason.kind === 'drift' && before[service]?.hold === undefined ? [service] : [],
  );
}

/** The services that have a gate: what their end interrupts is for a person to say. */
export function gatedOf(services: readonly Service[]): ReadonlySet<ServiceId> {
  return new Set(services.filter(({ written }) => written.gate !== undefined).map(({ id }) => id));
}

/** And after it. `wanted` are all services of this kind that are declared, `chosen` those it was about. */
export function marksAfter(
  before: Marks,
  wanted: ReadonlyMap<ServiceId, string>,
  chosen: (id: ServiceId) => boolean,
  { plan, steps }: Pick<Report, 'plan' | 'steps'>,
): Marks {
  const held = new Map(plan.held.map(({ service, reason }) => [service, reason]));
  const told = new Set(plan.notices.filter(({ kind }) => kind === 'drift').map(({ service }) => service));
  const undone = new Set(steps.filter(({ outcome }) => outcome.kind !== 'done').map(({ step }) => step.service));
  const tried = new Set(steps.filter(wasTried).map(({ step }) => step.service));
  const after = (id: ServiceId, digest: string): Mark => {
    const mark = before[id] ?? {};
    const reason = held.get(id);
    const kept = tried.has(id) ? { ...mark, tried: digest } : mark;
    return !chosen(id) || reason !== undefined || told.has(id) || undone.has(id) ? kept : { settled: digest };
  };
  return Object.fromEntries(
    [...wanted].flatMap(([id, digest]): [ServiceId, Mark][] => {
      const mark = after(id, digest);
      return Object.keys(mark).length === 0 ? [] : [[id, mark]];
    }),
  );
}

/** It was begun, and not broken off. */
function wasTried({ step, outcome }: Report['steps'][number]): boolean {
  if (step.effect !== 'start' && step.effect !== 'restart') return false;
  return outcome.kind === 'done' || (outcome.kind === 'failed' && outcome.problem.code === 'start-failed');
}

/** Those that last, by service. */
export function lastingHolds(marks: Marks, now: number): ReadonlyMap<ServiceId, NonNullable<Mark['hold']>> {
  return new Map(
    Object.entries(marks).flatMap(([id, { hold }]) =>
      hold === undefined || hold.released || hold.until <= now ? [] : [[id, hold] as const],
    ),
  );
}
