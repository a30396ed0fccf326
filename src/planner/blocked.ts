import type { Problem } from '../problem.ts';
import type { Draft } from './draft.ts';

type Decision = Pick<Draft, 'steps' | 'held' | 'notices'>;

/** What can't be started is held; what does not start it goes on, unless its definition can't be had at all. */
export function withoutBlocked(blocked: Problem | undefined, decision: Decision): Decision {
  const bad = blocked?.code === 'bad-definition';
  const steps = bad
    ? decision.steps.filter(({ target }) => target === undefined)
    : decision.steps.filter(({ effect }) => effect !== 'start' && effect !== 'restart');
  if (blocked === undefined || steps.length === decision.steps.length) return decision;
  return { ...decision, steps, held: { kind: 'blocked', problem: blocked } };
}
