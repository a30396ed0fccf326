import type { ServiceId } from '../../model.ts';
import type { Restarts } from '../../restarts/restarts.ts';
import type { Ask, Input } from './machine.ts';

/** Whether and when a service is started again, as the book of restarts says. */
export function answerTo(restarts: Restarts, id: ServiceId, ask: Ask): Extract<Input, { kind: 'answer' }> {
  const { exit: _, ...event } = ask;
  const verdict = restarts.take(id, event);
  if (verdict.kind === 'refused') {
    const { until, why: reason } = verdict;
    return { kind: 'answer', ask, answer: { kind: 'hold', ms: restarts.in(until), reason } };
  }
  const { standing } = restarts.account(id);
  if (standing.kind === 'waiting') return { kind: 'answer', ask, answer: { kind: 'wait', ms: verdict.wait } };
  return { kind: 'answer', ask, answer: { kind: 'restart', trial: standing.kind === 'trial' } };
}
