import { join } from 'node:path';
import { digest } from './canonical.ts';
import { isObject, readDecision, writeDecision } from './decisions.ts';
import type { Definition, DriftKind, Report, Service, ServiceId } from './model.ts';
import type { Hold } from './planner/drift.ts';

/**
 * What is remembered of a service that others can change on the host. `settled`: a digest of what Git wanted when it was
 * last so. As long as Git still wants that, a difference is somebody's doing, and not an apply that was interrupted.
 */
export interface Mark {
  readonly settled?: string;
  /** It is left as somebody made it, between these times (ms since the epoch). */
  readonly hold?: { readonly what: DriftKind; readonly since: number; readonly until: number };
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
      ['string', 'undefined'].includes(typeof mark.settled) &&
      (mark.hold === undefined || (isObject(mark.hold) && typeof mark.hold.until === 'number')),
  );

/** What Git wants of a service, as a digest. How a version of this tool writes it is no matter. */
export function wantedDigest(service: Service, definition: Definition | undefined): string {
  const { state, autostart } = service;
  return digest([state, autostart, definition?.boot ?? null, definition?.hash ?? null, definition?.fields ?? null]);
}

/** The services that Git has not changed since they were last as it wanted. */
export function settledOf(marks: Marks, wanted: ReadonlyMap<ServiceId, string>): ReadonlySet<ServiceId> {
  return new Set([...wanted].filter(([id, now]) => marks[id]?.settled === now).map(([id]) => id));
}

export function holdsOf(marks: Marks, now: number): ReadonlyMap<ServiceId, Hold> {
  return new Map(
    Object.entries(marks).flatMap(([id, { hold }]): [ServiceId, Hold][] =>
      hold === undefined ? [] : [[id, { until: hold.until, expired: hold.until <= now }]],
    ),
  );
}

/** What is to be remembered after an apply. `wanted` are all services of this kind that are declared, `chosen` those it was about. */
export function marksAfter(
  before: Marks,
  wanted: ReadonlyMap<ServiceId, string>,
  chosen: (id: ServiceId) => boolean,
  { plan, steps }: Pick<Report, 'plan' | 'steps'>,
  now: number,
): Marks {
  const held = new Map(plan.held.map(({ service, reason }) => [service, reason]));
  const told = new Set(plan.notices.filter(({ kind }) => kind === 'drift').map(({ service }) => service));
  const undone = new Set(steps.filter(({ outcome }) => outcome.kind !== 'done').map(({ step }) => step.service));
  const after = (id: ServiceId, digest: string): Mark => {
    const mark = before[id] ?? {};
    const reason = held.get(id);
    if (reason?.kind === 'drift') return { hold: { what: reason.what, since: now, until: now + HOLD }, ...mark };
    return !chosen(id) || reason !== undefined || told.has(id) || undone.has(id) ? mark : { settled: digest };
  };
  return Object.fromEntries(
    [...wanted].flatMap(([id, digest]): [ServiceId, Mark][] => {
      const mark = after(id, digest);
      return Object.keys(mark).length === 0 ? [] : [[id, mark]];
    }),
  );
}

/** When the first of the holds that last ends (ms since the epoch). */
export function nextEnd(marks: Marks, now: number): number | undefined {
  const ends = Object.values(marks).flatMap(({ hold }) => (hold !== undefined && hold.until > now ? [hold.until] : []));
  return ends.length === 0 ? undefined : Math.min(...ends);
}
