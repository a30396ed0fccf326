import type { Config } from '../config.ts';
import { bootId, lives, type ProcessRef, statOf } from '../host/procfs.ts';
import type { Desired, HealthState, Observed, Report, Revision, Service, ServiceId } from '../model.ts';
import type { Prepared } from '../prepare.ts';
import { Failure, type Problem, why } from '../problem.ts';
import {
  aboutTrial,
  type Book,
  isCalm,
  readBook,
  saveBook,
  type Trial,
  waiting,
  withoutOther,
  withProven,
  withTrials,
} from '../verify/book.ts';
import { handedOver, intended, isDone, resultsOf } from '../verify/course.ts';
import { type Failed, failed, judge, soakOf, type Verdict } from '../verify/machine.ts';
import { type AllProven, readProven, saveProven, withServices } from '../verify/proven.ts';
import { actualOf, currentRun, recoveredOf, soakingOf, type Watched, wellOf } from '../verify/sight.ts';
import type { Suspicion } from './suspicion.ts';

/** What verification tells. */
export type VerifyEvent =
  /** They stayed well. */
  | { readonly kind: 'verified'; readonly services: readonly ServiceId[] }
  | ({ readonly kind: 'verify-failed' } & Failed)
  /** It is as before again, and stays well so. */
  | { readonly kind: 'rolled-back'; readonly services: readonly ServiceId[]; readonly revision: Revision }
  | { readonly kind: 'quarantine-cleared'; readonly services: readonly ServiceId[]; readonly revision: Revision };

export interface VerifierMeans {
  /** What was applied last. */
  readonly desired: () => Desired | undefined;
  readonly observe: (desired: Desired) => Promise<Observed>;
  readonly healthOf: (id: ServiceId) => HealthState;
  readonly suspicion: Pick<Suspicion, 'isOpen'>;
  /** Runs a task while nothing is applied. */
  readonly inTurn: (task: () => Promise<void>) => Promise<void>;
  readonly nudge: () => void;
  readonly tell: (event: VerifyEvent | { readonly kind: 'trouble'; readonly problem: Problem }) => void;
  readonly now?: () => number;
  /** ms. How often it is looked whether what soaks still lives. */
  readonly every?: number;
}

/** Shows of every service that Git has changed that it stays well, or undoes that. While there is none, nothing runs. */
export interface Verifier extends Disposable {
  /** Judges what is watched. To be called before a run reads what is desired: what it decides is part of that. */
  look(): Promise<void>;
  /** Before any of what a run is about to do; fails where that can't be kept, and nothing is to be done then. */
  begin(prepared: Prepared, before: Desired | undefined): void;
  /** What it did. */
  end(report: Report): void;
}

export function createVerifier({ stateDir }: Pick<Config, 'stateDir'>, means: VerifierMeans): Verifier {
  const { tell, now = Date.now, every = 500 } = means;
  let proven: AllProven | undefined;
  let timer: NodeJS.Timeout | undefined;
  let begun: Prepared | undefined;
  let trouble: string | undefined;
  /** The last run was about everything, and nothing was left to do. */
  let isWhole = false;
  /** The processes that are watched, lest another gets the pid of one. */
  const processes = new Map<ServiceId, ProcessRef>();
  const known = () => {
    proven ??= readProven(stateDir);
    return proven;
  };
  const keepProven = (next: AllProven) => {
    saveProven(stateDir, next);
    proven = next;
  };

  const look = async () => {
    clearTimeout(timer);
    timer = undefined;
    const desired = means.desired();
    const before = readBook(stateDir);
    if (desired === undefined) return;
    const watched = soakingOf(before, desired);
    if (watched.length === 0) return;
    try {
      if (watched.some((one) => isNews(one, desired))) {
        const observed = await means.observe(desired);
        const judged = watched.map(async (one) => [one, await judgedBy(one, observed, desired)] as const);
        settle(before, new Map(await Promise.all(judged)), desired);
      }
      trouble = undefined;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // What can't be written is decided anew the next time: it is told once.
      const text = error.message;
      if (text !== trouble) for (const problem of error.problems) tell({ kind: 'trouble', problem });
      trouble = text;
    }
    arm();
  };

  /** Is there anything that has to be looked at properly? */
  const isNews = ({ service, trial }: Watched, desired: Desired): boolean => {
    const { pid, since } = trial;
    if (pid === undefined) return true;
    const health = means.healthOf(service.id);
    if (health.kind === 'unhealthy' && health.about === 'self') return true;
    const process = processes.get(service.id) ?? statOf(pid);
    if (process === undefined || process.pid !== pid || !lives(process)) return true;
    processes.set(service.id, process);
    return now() >= since + soakOf(service, desired) || now() < since;
  };

  const judgedBy = async ({ service, trial }: Watched, observed: Observed, desired: Desired): Promise<Verdict> => {
    const actual = actualOf(observed, service);
    const health = means.healthOf(service.id);
    // Of what it depends on it is known later that it is down than of itself.
    if (health.kind === 'unhealthy' && (await means.suspicion.isOpen(service.id))) return { kind: 'goes-on' };
    const sight = { run: actual?.run, health: means.healthOf(service.id), boot: bootId() };
    return judge(trial, sight, service, soakOf(service, desired), now());
  };

  /** What is wrong with it is what it depends on. */
  const waitsFor = (id: ServiceId): boolean => {
    const health = means.healthOf(id);
    return health.kind === 'unhealthy' && health.about === 'dependency';
  };

  /** Keeps what was found, and then tells it. */
  const settle = (before: Book, seen: ReadonlyMap<Watched, Verdict>, desired: Desired) => {
    let book = before;
    const well: Service[] = [];
    const unwell: Failed[] = [];
    const trials = new Map<ServiceId, Trial | undefined>();
    for (const [{ service, trial }, verdict] of seen) {
      const { id } = service;
      switch (verdict.kind) {
        case 'goes-on':
          break;
        case 'found':
          trials.set(id, { ...trial, since: now(), pid: verdict.pid });
          break;
        case 'interrupted':
          trials.set(id, waiting(trial));
          break;
        case 'proven':
          trials.set(id, undefined);
          well.push(service);
          break;
        case 'failed': {
          const next = failed(book, service, verdict.why, { desired, proven: known(), now: now() });
          book = next.book;
          unwell.push(next.failed);
        }
      }
    }
    conclude(before, withTrials(book, trials), desired, well, unwell);
  };

  /** Writes it all, what is proven first: what is interrupted then is proven again. */
  const conclude = (
    before: Book,
    after: Book,
    desired: Desired,
    well: readonly Service[],
    unwell: readonly Failed[],
    more: readonly Service[] = [],
  ) => {
    const next = withServices([...well, ...more], desired, known(), after);
    if (next !== known()) keepProven(next);
    saveBook(stateDir, before, isWhole && isCalm(after) ? withProven(after, desired.revision) : after);
    const back = well.filter(({ id }) => desired.quarantined?.has(id)).map(({ id }) => id);
    const verified = well.map(({ id }) => id).filter((id) => !back.includes(id));
    if (verified.length > 0) tell({ kind: 'verified', services: verified });
    if (back.length > 0) tell({ kind: 'rolled-back', services: back, revision: desired.revision });
    for (const one of unwell) tell({ kind: 'verify-failed', ...one });
    if (unwell.some(({ then }) => then.kind !== 'told')) means.nudge();
  };

  const arm = (atOnce = false) => {
    const desired = means.desired();
    if (timer !== undefined || desired === undefined) return;
    const watched = soakingOf(readBook(stateDir), desired);
    for (const id of processes.keys()) if (!watched.some(({ service }) => service.id === id)) processes.delete(id);
    if (watched.length === 0) return;
    const due = Math.min(...watched.map(({ service, trial }) => trial.since + soakOf(service, desired) - now()));
    timer = setTimeout(
      () => {
        timer = undefined;
        tick();
      },
      // One that is due, and whose probes have not answered yet, is looked at as often as any.
      atOnce ? 0 : due > 0 ? Math.min(due, every) : every,
    );
  };
  const tick = () => {
    const desired = means.desired();
    if (desired === undefined) return;
    try {
      if (!soakingOf(readBook(stateDir), desired).some((one) => isNews(one, desired))) return arm();
    } catch {
      // The look tells why.
    }
    means.inTurn(look).catch((error: unknown) => {
      if (error instanceof Failure) return;
      tell({ kind: 'trouble', problem: { code: 'defect', summary: `cannot verify: ${why(error)}` } });
    });
  };

  return {
    look,
    begin: (prepared, before) => {
      const book = readBook(stateDir);
      const { desired, plan } = prepared;
      const left = withoutOther(book, desired.revision);
      const cleared = left === book ? undefined : book.quarantine;
      const next = intended(left, { desired, before, steps: plan.steps, proven: known(), cleared });
      saveBook(stateDir, book, next);
      begun = prepared;
      if (cleared === undefined) return;
      tell({ kind: 'quarantine-cleared', services: Object.keys(cleared.services), revision: cleared.of });
    },
    end: (report) => {
      const prepared = begun;
      begun = undefined;
      if (prepared === undefined) return;
      const { desired, observed } = prepared;
      const before = readBook(stateDir);
      const services = new Map(desired.services.map((service) => [service.id, service]));
      const runOf = (id: ServiceId) => currentRun(prepared, services.get(id));
      let book = before;
      const unwell: Failed[] = [];
      const trials = new Map<ServiceId, Trial | undefined>();
      for (const [id, found] of resultsOf(before, report, runOf)) {
        const result = found.kind === 'failed' && found.runs && waitsFor(id) ? ({ kind: 'up' } as const) : found;
        const service = services.get(id);
        const trial = book.trials[id];
        if (service === undefined || trial === undefined) continue;
        if (result.kind === 'failed') {
          const next = failed(book, service, result.why, { desired, proven: known(), now: now() });
          book = next.book;
          unwell.push(next.failed);
        } else if (result.kind === 'up') {
          const pid = result.pid === undefined ? {} : { pid: result.pid };
          trials.set(id, { ...aboutTrial(trial), phase: 'soaking', since: now(), boot: bootId(), ...pid });
        }
      }
      book = withTrials(book, trials);
      const touched = new Set([
        ...report.steps.map(({ step }) => step.service),
        ...report.plan.held.filter(({ reason }) => reason.kind !== 'quarantined').map(({ service }) => service),
        ...Object.keys(book.trials),
      ]);
      const back = recoveredOf(book, prepared, means.healthOf, now());
      book = withTrials(book, new Map(back.map(({ id }) => [id, undefined])));
      const calm = wellOf(desired, observed, means.healthOf, touched, known());
      isWhole = prepared.only.length === 0 && isDone(report);
      conclude(before, book, desired, [], unwell, [...calm, ...back, ...handedOver(report, services)]);
      // Of one whose process is not known yet it is to be known at once: it may be another soon.
      arm(soakingOf(book, desired).some(({ trial }) => trial.pid === undefined));
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
