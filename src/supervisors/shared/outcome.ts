import type { Outcome, OwnStep, ServiceId, Step } from '../../model.ts';
import type { Problem } from '../../problem.ts';

/** Why a step came to nothing, in the words of what it does to a service. */
export function cannot({ action, service }: Step, because: string, code = 'step-failed'): Problem {
  const verb = action === 'create' ? 'start' : action === 'replace' ? 'restart' : action;
  return { code, summary: `cannot ${verb} ${service}: ${because}` };
}

export function changedMeanwhile(step: Step, what: string): Problem {
  return {
    ...cannot(step, `it has changed since it was planned: ${what}`, 'changed-meanwhile'),
    hint: 'its process was not touched; run `reconcile` again',
  };
}

export function done(pid: number | undefined): Outcome {
  return pid === undefined || pid === 0 ? { kind: 'done' } : { kind: 'done', pid };
}

export function failed(problem: Problem): Outcome {
  return { kind: 'failed', problem };
}

type Take = (step: OwnStep, signal: AbortSignal) => Promise<Outcome>;

/** The steps of one service one after another; those of others at the same time. `take` never rejects. */
export function inTurns(take: Take): Take {
  const last = new Map<ServiceId, Promise<Outcome>>();
  return (step, signal) => {
    const outcome = (last.get(step.service) ?? Promise.resolve()).then(() => take(step, signal));
    last.set(step.service, outcome);
    void outcome.then(() => last.get(step.service) === outcome && last.delete(step.service));
    return outcome;
  };
}
