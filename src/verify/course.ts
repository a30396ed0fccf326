import type { Desired, Report, Run, Service, ServiceId, Step, StepReport } from '../model.ts';
import { formatRevision } from '../revision.ts';
import { type Book, type Trial, waiting } from './book.ts';
import { digestOf } from './digest.ts';
import type { AllProven } from './proven.ts';
import type { Quarantine, Quarantined } from './quarantine.ts';

/** What a run is about to do, and what was known before it. */
export interface Intent {
  readonly desired: Desired;
  /** What was in force before, where that is known. */
  readonly before: Desired | undefined;
  readonly steps: readonly Step[];
  readonly proven: AllProven;
  /** What was quarantined of another revision until now. */
  readonly cleared?: Quarantine | undefined;
}

const OVERS: ReadonlySet<Step['action']> = new Set(['handover', 'retire', 'give-back']);

function starts({ effect }: Step): boolean {
  return effect === 'start' || effect === 'restart';
}

/**
 * The book before an apply: of every service that is started or restarted because Git has changed it, that it is to be
 * shown to stay well. What was watched and is something else by now is watched no more. Handovers prove themselves. Pure.
 */
export function intended(book: Book, { desired, before, steps, proven, cleared }: Intent): Book {
  const bySteps = Map.groupBy(steps, ({ service }) => service);
  const there = before?.services.filter(({ state }) => state !== 'absent') ?? [];
  const earlier = new Map(there.map((service) => [service.id, service]));
  const trials: Record<ServiceId, Trial> = {};
  for (const service of desired.services) {
    const { id, state } = service;
    const own = bySteps.get(id) ?? [];
    if (state === 'absent' || own.some(({ action }) => OVERS.has(action))) continue;
    const step = own.find(starts);
    const known = book.trials[id];
    const by = formatRevision(desired.revision);
    const trial =
      step === undefined
        ? watchedOn(service, known, cleared?.services[id], proven, by)
        : trialOf(service, known, step, earlier.get(id), cleared?.services[id], proven, by);
    if (trial !== undefined) trials[id] = trial;
  }
  return { ...book, trials };
}

/** Nothing is started. What another commit failed with is judged anew for this one, where it is the same still. */
function watchedOn(
  service: Service,
  known: Trial | undefined,
  cleared: Quarantined | undefined,
  proven: AllProven,
  by: string,
): Trial | undefined {
  if (known === undefined && cleared === undefined) return undefined;
  const digest = digestOf(service);
  if (known?.digest === digest) return cleared !== undefined && known.phase === 'failed' ? waiting(known) : known;
  if (cleared === undefined || proven.get(service.id)?.digest === digest) return undefined;
  return applying(digest, by, cleared.to === 'absent');
}

function trialOf(
  service: Service,
  known: Trial | undefined,
  step: Step,
  earlier: Service | undefined,
  cleared: Quarantined | undefined,
  proven: AllProven,
  by: string,
): Trial | undefined {
  const digest = digestOf(service);
  const last = proven.get(service.id)?.digest;
  if (known?.digest === digest) {
    // What is started anew after somebody stopped it, or after a boot, has to show it anew; and what is tried again, for a
    // person or another commit.
    const again = step.reason.kind === 'asked' || cleared !== undefined;
    const anew = known.phase === 'soaking' ? isOurs(step) : known.phase === 'failed' && again;
    return anew ? waiting(known) : known;
  }
  if (known === undefined && last === digest) return undefined;
  if (last !== undefined) return applying(digest, by);
  if (known !== undefined) return applying(digest, by, known.fresh);
  // As it was before, but nothing was proven yet: its start is none of Git's, but may be a person's.
  if (earlier !== undefined && digestOf(earlier) === digest && step.reason.kind !== 'asked') return undefined;
  const isNew = cleared?.to === 'absent' || (earlier === undefined && step.seen.kind === 'absent');
  return applying(digest, by, isNew);
}

function applying(digest: string, by: string, isNew = false): Trial {
  return { digest, by, phase: 'applying', ...(isNew ? { fresh: true } : {}) };
}

/** Its new process is none that its supervisor had to start. */
function isOurs({ seen, effect }: Step): boolean {
  return effect === 'restart' || seen.kind === 'absent' || seen.run === 'stopped' || seen.run === 'stopping';
}

/** What became of one step, as far as that says something of its service. */
export type Result =
  | { readonly kind: 'up'; readonly pid?: number }
  /** `runs`: but its probes did not pass. */
  | { readonly kind: 'failed'; readonly why: string; readonly runs: boolean }
  /** It was not tried, or for reasons that are none of the service's. */
  | { readonly kind: 'nothing' };

export function resultOf({ outcome }: StepReport): Result {
  switch (outcome.kind) {
    case 'done':
      return { kind: 'up', ...(outcome.pid === undefined ? {} : { pid: outcome.pid }) };
    case 'failed': {
      const { code, summary } = outcome.problem;
      const runs = code === 'not-healthy';
      return runs || code === 'start-failed' ? { kind: 'failed', why: summary, runs } : { kind: 'nothing' };
    }
    case 'skipped':
      return { kind: 'nothing' };
  }
}

/** What is known after an apply of those that are to be shown to stay well: what their steps say, else what was seen. */
export function resultsOf(
  book: Book,
  { steps }: Pick<Report, 'steps'>,
  runOf: (id: ServiceId) => Run | undefined,
): ReadonlyMap<ServiceId, Result> {
  const reports = new Map(steps.filter(({ step }) => starts(step)).map((report) => [report.step.service, report]));
  const all = new Map<ServiceId, Result>();
  for (const [id, { phase }] of Object.entries(book.trials)) {
    if (phase !== 'applying') continue;
    const report = reports.get(id);
    if (report !== undefined) all.set(id, resultOf(report));
    // An earlier run has started it, and was interrupted or did not see it through.
    else if (isThere(runOf(id))) all.set(id, { kind: 'up' });
  }
  return all;
}

/** What was handed over has shown by that that it stays well. */
export function handedOver(
  { steps }: Pick<Report, 'steps'>,
  services: ReadonlyMap<ServiceId, Service>,
): readonly Service[] {
  return steps.flatMap(({ step, outcome }) => {
    const service = services.get(step.service);
    return step.action === 'handover' && outcome.kind === 'done' && service !== undefined ? [service] : [];
  });
}

/** Everything was done, and nothing is held. */
export function isDone({ plan, steps }: Report): boolean {
  return plan.held.length === 0 && steps.every(({ outcome }) => outcome.kind === 'done');
}

function isThere(run: Run | undefined): boolean {
  return run !== undefined && run.kind !== 'stopped' && run.kind !== 'stopping';
}
