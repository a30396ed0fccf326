import type { Desired, Exit, HealthState, Revision, Run, Service, ServiceId } from '../model.ts';
import { exitAllowed } from '../planner/exits.ts';
import { unreachable } from '../problem.ts';
import { formatRevision } from '../revision.ts';
import { formatExit } from '../status.ts';
import { parseDuration } from '../units.ts';
import { aboutTrial, type Book, type Trial } from './book.ts';
import { digestOf } from './digest.ts';
import { restOfPool } from './pools.ts';
import type { AllProven, Proven } from './proven.ts';
import { isSameRevision, type Quarantined } from './quarantine.ts';

/*
 * What a changed service goes through. What Git says next of it begins anew at the top, from wherever it is.
 *
 *           about to be applied          started, ready, healthy           `soak` is over
 *   proven ────────────────────> APPLYING ────────────────────> SOAKING ────────────────────> proven
 *                                 │    ^  somebody stopped it       │
 *                                 │    └────────────────────────────┤
 *                 did not start   │                                 │  another pid, ended, unhealthy
 *                                 └────────────────┬────────────────┘
 *                                                  │
 *       alert: told           ┌────────────────────┼─────────────────────┐
 *                             v                    v                     v
 *                          FAILED           FAILED, quarantined    quarantined: what was proven is APPLYING
 *                                           and left as it is  <── did not stay well either: no third try
 */

/** What was seen of a service; `run` is undefined where nothing of it is there, or it can't be read. */
export interface Sight {
  readonly run: Run | undefined;
  readonly health: HealthState;
  /** The boot it was seen in. */
  readonly boot: string;
}

export type Verdict =
  | { readonly kind: 'goes-on' }
  /** Its process, from now on: which was not known yet, or not since when. */
  | { readonly kind: 'found'; readonly pid: number }
  /** Somebody stopped it, or the host was booted, which says nothing of it. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'proven' }
  | { readonly kind: 'failed'; readonly why: string };

type Soaking = Extract<Trial, { readonly phase: 'soaking' }>;

/** ms. How long it has to stay well. */
const SOAK = 30_000;

export function soakOf({ written }: Service, { policy }: Pick<Desired, 'policy'>): number {
  return parseDuration(written.soak ?? policy.written.verify?.soak ?? '') ?? SOAK;
}

/** What is to be made of one that soaks. What it depends on is never held against it. */
export function judge(trial: Soaking, sight: Sight, service: Service, soak: number, now: number): Verdict {
  const { run, health, boot } = sight;
  if (boot !== trial.boot) return { kind: 'interrupted' };
  if (run === undefined) return { kind: 'goes-on' };
  switch (run.kind) {
    case 'running':
      return judgeRunning(trial, run.pid, health, soak, now);
    case 'starting':
      // Not known yet: it was seen while it is still on its way.
      return trial.pid === undefined || trial.pid === run.pid ? { kind: 'goes-on' } : restarted(trial.pid, run.pid);
    case 'backoff':
      return trial.pid === undefined ? { kind: 'goes-on' } : { kind: 'failed', why: ended(run.exit) };
    case 'stopping':
    case 'stopped':
      return { kind: 'interrupted' };
    case 'exited':
      return exitAllowed(service, run.exit) ? { kind: 'proven' } : { kind: 'failed', why: ended(run.exit) };
    case 'fatal':
      return { kind: 'failed', why: `it is FATAL: ${run.reason}` };
    case 'held':
      return { kind: 'failed', why: `it is HELD: ${run.reason}` };
    default:
      return unreachable(run);
  }
}

function judgeRunning(trial: Soaking, pid: number, health: HealthState, soak: number, now: number): Verdict {
  if (trial.pid !== undefined && trial.pid !== pid) return restarted(trial.pid, pid);
  if (health.kind === 'unhealthy' && health.about === 'self') {
    return { kind: 'failed', why: `its probe ${health.probe} failed: ${health.why}` };
  }
  // With a clock that was put back it begins anew: nobody knows how long it has been.
  if (trial.pid === undefined || now < trial.since) return { kind: 'found', pid };
  // A probe that has not answered yet proves nothing.
  return now >= trial.since + soak && health.kind !== 'unknown' ? { kind: 'proven' } : { kind: 'goes-on' };
}

function restarted(before: number, now: number): Verdict {
  return { kind: 'failed', why: `it was restarted: its pid was ${before} and is ${now}` };
}

function ended(exit: Exit): string {
  return `it ended with ${formatExit(exit)}`;
}

/** What becomes of one that did not stay well. */
export interface Failed {
  readonly service: ServiceId;
  readonly why: string;
  /** The revision that changed it, as text. */
  readonly by: string;
  /** The one that is in force, and is not tried again where it is put back. */
  readonly revision: Revision;
  /** `told`: nothing. `left`: nothing more is done to it. Else it is put back to that, undefined where it was not there. */
  readonly then:
    | { readonly kind: 'told' }
    | { readonly kind: 'left'; readonly because?: string }
    | { readonly kind: 'back'; readonly to: string | undefined };
}

/** Nobody rolls back beneath the hands of somebody who edits files: by default only what is committed is rolled back. */
export function onFailureOf(service: Service, { policy, revision }: Pick<Desired, 'policy' | 'revision'>) {
  const committed = revision.commit !== undefined && revision.dirty !== true;
  return writtenOnFailure(service, { policy }) ?? (committed ? 'rollback' : 'alert');
}

function writtenOnFailure({ written }: Service, { policy }: Pick<Desired, 'policy'>) {
  return written.onFailure ?? policy.written.verify?.onFailure;
}

export function failed(
  book: Book,
  service: Service,
  reason: string,
  { desired, proven, now }: { readonly desired: Desired; readonly proven: AllProven; readonly now: number },
): { readonly book: Book; readonly failed: Failed } {
  const { id } = service;
  const { revision } = desired;
  const tried = book.trials[id]?.digest ?? digestOf(service);
  const { by = formatRevision(revision), fresh } = book.trials[id] ?? {};
  // Git may have gone on since, with what is the matter still in it.
  const why = by === formatRevision(revision) ? reason : `changed by ${by}: ${reason}`;
  const over: Trial = {
    ...aboutTrial(book.trials[id] ?? { digest: tried, phase: 'applying' }),
    phase: 'failed',
    at: now,
    why: reason,
  };
  const tell = (then: Failed['then']): Failed => ({ service: id, why: reason, by, revision, then });
  const leave = (entry: Quarantined, because?: string) => ({
    book: quarantined({ ...book, trials: { ...book.trials, [id]: over } }, { [id]: { ...entry, left: true } }),
    failed: tell({ kind: 'left', ...(because === undefined ? {} : { because }) }),
  });
  const quarantined = (of: Book, entries: Readonly<Record<ServiceId, Quarantined>>): Book => {
    const { quarantine = { of: bare(revision), at: now, by: 'verify' as const, services: {} } } = of;
    // What was decided of another revision is over.
    const base = isSameRevision(quarantine.of, revision)
      ? quarantine
      : { of: bare(revision), at: now, by: 'verify' as const, services: {} };
    return { ...of, quarantine: { ...base, services: { ...base.services, ...entries } } };
  };
  const known = book.quarantine;
  const entry = known !== undefined && isSameRevision(known.of, revision) ? known.services[id] : undefined;
  if (entry !== undefined) {
    const back = entry.revision === undefined ? 'what it was put back to' : `as at ${entry.revision}`;
    return leave(
      { ...entry, why: `${entry.why}; ${back} it did not stay well either: ${why}` },
      `${back} it did not stay well either`,
    );
  }
  const as: Quarantined = { to: 'as-git', why, at: now };
  switch (onFailureOf(service, desired)) {
    case 'alert':
      return { book: { ...book, trials: { ...book.trials, [id]: over } }, failed: tell({ kind: 'told' }) };
    case 'hold':
      return leave(as);
    case 'rollback':
      break;
  }
  const base = proven.get(id);
  const put = (to: Quarantined['to'], from?: Proven): Quarantined => ({
    to,
    ...(from === undefined ? {} : { revision: formatRevision(from.revision) }),
    why: `${id}: ${why}`,
    at: now,
    ...(from?.instance === undefined ? {} : { instance: from.instance }),
  });
  const rest = restOfPool(service, base, desired, book, proven, put);
  if (base !== undefined) {
    if (base.digest === tried) return leave(as, 'it is what was last known to stay well');
    const trials = { ...book.trials, [id]: { digest: base.digest, phase: 'applying' as const } };
    const entries = { [id]: { ...put(base.service, base), why }, ...rest };
    return {
      book: quarantined({ ...book, trials }, entries),
      failed: tell({ kind: 'back', to: formatRevision(base.revision) }),
    };
  }
  if (fresh !== true) return leave(as, 'nothing of it is known to have stayed well before');
  if (rest === undefined)
    return leave(as, 'the others of its pool can only go back with it, and to nothing that is known');
  const formers = { ...formersOf(service, desired, proven, why, now), ...rest };
  // Nothing to go back to: unless somebody wants it so, what is new on a new host is its supervisor's to keep running.
  const isFirst = book.history.length === 0 && Object.keys(formers).length === 0;
  if (isFirst && writtenOnFailure(service, desired) === undefined) {
    return { book: { ...book, trials: { ...book.trials, [id]: over } }, failed: tell({ kind: 'told' }) };
  }
  const { [id]: _, ...trials } = book.trials;
  const entries = { [id]: { to: 'absent' as const, why, at: now }, ...formers };
  return { book: quarantined({ ...book, trials }, entries), failed: tell({ kind: 'back', to: undefined }) };
}

/** What it took the place of, by name, comes back with that. */
function formersOf(
  { formerly, instance }: Service,
  { services }: Desired,
  proven: AllProven,
  why: string,
  at: number,
): Readonly<Record<ServiceId, Quarantined>> {
  const ids = formerly.map((name) => (instance === undefined ? name : `${name}@${instance}`));
  const declared = new Set(services.map((service) => service.id));
  return Object.fromEntries(
    ids.flatMap((id) => {
      const base = proven.get(id);
      if (base === undefined || declared.has(id)) return [];
      return [[id, { to: base.service, revision: formatRevision(base.revision), why, at }]];
    }),
  );
}

function bare({ content, commit }: Revision): Revision {
  return commit === undefined ? { content } : { content, commit };
}
