import { isOwn } from '../apply.ts';
import type { HealthState, Outcome, OwnStep, ServiceId, Stage, Step, SupervisorName } from '../model.ts';
import { type Problem, why } from '../problem.ts';
import type { Supervisor } from '../supervisors/supervisor.ts';
import type { Taker } from '../supervisors/taker.ts';
import type { Thing } from '../thing.ts';
import type { BegunStore, ReversedStore } from './begun.ts';
import type { Witness } from './witness.ts';

/** What a handover is done with. */
export interface Means {
  readonly supervisors: ReadonlyMap<SupervisorName, Supervisor>;
  readonly taker: (thing: Thing) => Taker;
  readonly health: (id: ServiceId) => HealthState;
  readonly begun: BegunStore;
  readonly reversed: ReversedStore;
  /** A digest of what Git wants of a service, all that was written. */
  readonly wanted: (id: ServiceId) => string;
  readonly tell: (id: ServiceId, stage: Stage, text: string) => void;
  readonly witness: Witness;
  /** One service at a time has nothing running. */
  readonly alone: <T>(act: () => Promise<T>) => Promise<T>;
}

/** What was begun has to be ended, one way or the other: an interrupt does not break it off half way. */
export const NEVER = new AbortController().signal;

/** What stood in the way of one part. */
export class Stuck extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.summary);
    this.problem = problem;
  }
}

export function problemOf(error: unknown, service: ServiceId): Problem {
  if (error instanceof Stuck) return error.problem;
  return { code: 'handover-failed', summary: `cannot hand over ${service}: ${why(error)}` };
}

/** Has a supervisor take one step of its own, files and all. Throws `Stuck` where it is not done. */
export async function own(
  { supervisors }: Means,
  step: Step,
  signal: AbortSignal,
): Promise<Extract<Outcome, { kind: 'done' }>> {
  const supervisor = supervisors.get(step.supervisor);
  if (supervisor === undefined || !isOwn(step)) throw new Error(`no supervisor for ${step.id}`);
  const refused = await supervisor.prepare?.([step], signal);
  const problem = refused?.get(step.id);
  if (problem !== undefined) throw new Stuck(problem);
  const outcome = await supervisor.apply(step, signal);
  if (outcome.kind !== 'done') throw new Stuck(outcome.problem);
  return outcome;
}

/** A step of one service that has no more to it: `seen` is what it is known to be by now. */
export function ownStep(
  action: OwnStep['action'],
  at: Pick<Step, 'service' | 'supervisor' | 'target'>,
  effect: Step['effect'],
  seen: Step['seen'],
  more: Pick<Step, 'files' | 'boot'> = {},
): Step {
  const { service, supervisor, target } = at;
  return {
    id: `${action}:${service}`,
    service,
    supervisor,
    action,
    reason: { kind: 'superseded', things: [] },
    effect,
    after: [],
    seen,
    ...(target === undefined ? {} : { target }),
    ...more,
  };
}

/** Does what is asked for one after another. */
export function createQueue(): Means['alone'] {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const done = last.then(act, act);
    last = done.catch(() => {});
    return done;
  };
}
