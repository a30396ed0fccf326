import type { ServiceId } from '../../model.ts';
import type { Ask, Input } from './machine.ts';
import type { ServiceRecord } from './record.ts';
import type { Surroundings } from './surroundings.ts';

/** Whether and when a service is started again: as the book of restarts says, and not at all where a person holds it. */
export function answerTo(
  { restarts, isHeld }: Pick<Surroundings, 'restarts' | 'isHeld'>,
  id: ServiceId,
  ask: Ask,
): Extract<Input, { kind: 'answer' }> {
  if (isHeld(id)) return { kind: 'answer', ask, answer: { kind: 'leave' } };
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

/** What a record has of the book. */
export function countsOf(
  restarts: Surroundings['restarts'],
  id: ServiceId,
): Pick<ServiceRecord['machine'], 'streak' | 'recent' | 'restarts'> {
  const { streak, recent, restarts: times } = restarts.account(id);
  return { streak, recent, restarts: times };
}
