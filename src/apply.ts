import type { Event, Outcome, OwnStep, Plan, Report, Step, StepReport, SupervisorName } from './model.ts';
import { type Problem, why } from './problem.ts';
import type { Supervisor } from './supervisors/supervisor.ts';

/**
 * Walks a plan: each step begins as soon as all it is `after` are done, all that may at once; where one of those failed
 * or was skipped, it is skipped, but for what was loaded and started by that (`together`), of which it is told how it is.
 * Every step gets an outcome, on abort too. Never rejects.
 */
export async function apply(
  plan: Plan,
  supervisors: ReadonlyMap<SupervisorName, Supervisor>,
  emit: (event: Event) => void,
  signal: AbortSignal,
  handOver: HandOver,
  barred: (step: Step) => Promise<Problem | undefined> = async () => undefined,
): Promise<Report> {
  const begun = performance.now();
  const early = plan.steps.filter(isOwn).filter(({ late }) => !late);
  const refused = await prepareAll(early, supervisors, signal);
  const late = new Map<string, Promise<ReadonlyMap<string, Problem>>>();
  const reports = new Map<string, Promise<StepReport>>();
  // Steps come in an order that respects `after`: what a step waits for has its promise already.
  for (const step of plan.steps) {
    const before = step.after.map((id) => reports.get(id)).filter((report) => report !== undefined);
    reports.set(step.id, walk(step, before));
  }
  const steps = await Promise.all(reports.values());
  const report: Report = { plan, steps, took: performance.now() - begun };
  emit({ kind: 'applied', report });
  return report;

  async function walk(step: Step, before: readonly Promise<StepReport>[]): Promise<StepReport> {
    const failed = (await Promise.all(before)).find(
      (report) => report.outcome.kind !== 'done' && !(report.outcome.kind === 'failed' && goesWith(step, report.step)),
    );
    const start = performance.now();
    const skip =
      failed !== undefined ? skipped(step, `${failed.step.service} comes first and ${verb(failed)}`) : await bar(step);
    if (skip === undefined && !signal.aborted) emit({ kind: 'step-started', step });
    const outcome = skip ?? (signal.aborted ? skipped(step, 'interrupted before it began') : await take(step));
    const took = performance.now() - start;
    emit({ kind: 'step-ended', step, outcome, took });
    return { step, outcome, took };
  }

  async function bar(step: Step): Promise<Outcome | undefined> {
    const problem = signal.aborted ? undefined : await barred(step);
    return problem === undefined ? undefined : { kind: 'skipped', problem };
  }

  /** All instances of a service wait for the same: its supervisor reads their files once. */
  function prepareLate({ supervisor, target }: Step): Promise<ReadonlyMap<string, Problem>> {
    const name = target?.service.name;
    const key = `${supervisor} ${name}`;
    const before = late.get(key);
    if (before !== undefined) return before;
    const all = plan.steps
      .filter(isOwn)
      .filter((step) => step.late && step.supervisor === supervisor && step.target?.service.name === name);
    const prepared = prepareAll(all, supervisors, signal);
    late.set(key, prepared);
    return prepared;
  }

  async function take(step: Step): Promise<Outcome> {
    const supervisor = supervisors.get(step.supervisor);
    try {
      if (!isOwn(step)) return await handOver(step, signal);
      if (supervisor === undefined) throw new Error(`no supervisor ${step.supervisor}`);
      const problem = (step.late ? await prepareLate(step) : refused).get(step.id);
      if (problem !== undefined) return { kind: 'failed', problem };
      return await supervisor.apply(step, signal);
    } catch (error) {
      const summary = `cannot ${step.action} ${step.service}: ${why(error)}`;
      return { kind: 'failed', problem: { code: 'step-failed', summary } };
    }
  }
}

/** Does what takes several steps of several supervisors: a `handover`, a `retire`, a `give-back`. Never throws. */
export type HandOver = (step: Step, signal: AbortSignal) => Promise<Outcome>;

/** Is it for its supervisor alone to take? */
export function isOwn(step: Step): step is OwnStep {
  return step.action !== 'handover' && step.action !== 'retire' && step.action !== 'give-back';
}

/** Has each supervisor do what all its steps need; the steps that can't be taken, and why. */
async function prepareAll(
  steps: readonly OwnStep[],
  supervisors: ReadonlyMap<SupervisorName, Supervisor>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Problem>> {
  if (signal.aborted) return new Map();
  const refused = [...Map.groupBy(steps, ({ supervisor }) => supervisor)].map(([name, own]) =>
    supervisors.get(name)?.prepare?.(own, signal),
  );
  return new Map((await Promise.all(refused)).flatMap((problems) => [...(problems ?? [])]));
}

function goesWith({ service }: Step, { together = [] }: Step): boolean {
  return together.includes(service);
}

function skipped(step: Step, because: string): Outcome {
  const written = step.files === undefined && step.boot === undefined ? '' : '; its new files are there already';
  const summary = `did not ${step.action} ${step.service}: ${because}${written}`;
  return { kind: 'skipped', problem: { code: 'skipped', summary, hint: 'run `reconcile` again once that is mended' } };
}

function verb(report: StepReport): string {
  return report.outcome.kind === 'failed' ? 'failed' : 'was skipped';
}
