import type { Actual, Reason, Step } from '../model.ts';
import { alive, type Draft } from './draft.ts';

/** What a failing probe wants done: a restart; or a stop, that stays until a person starts it or Git changes. */
export type Unwell =
  | { readonly act: 'restart'; readonly probe: string; readonly why: string }
  | { readonly act: 'stop'; readonly probe: string; readonly why: string; readonly at: number };

type Decision = Pick<Draft, 'steps' | 'held' | 'notices'>;

/** The step that does so, behind the others of this service. */
export type MakeStep = (action: Unwell['act'], reason: Reason) => Step;

/** With what a failing probe wants of it, where nothing else takes its process away, or starts it. */
export function withUnwell(
  decision: Decision,
  unwell: Unwell,
  { actual, asked }: { readonly actual: Actual; readonly asked: boolean },
  make: MakeStep,
): Decision {
  const { probe, why } = unwell;
  if (alive(actual.run)) {
    if (decision.steps.some(({ effect }) => effect !== 'pid unchanged')) return decision;
    const step = make(unwell.act, { kind: 'unhealthy', probe, why });
    return { ...decision, steps: [...decision.steps, step] };
  }
  if (unwell.act === 'restart' || asked) return decision;
  const steps = decision.steps.filter(({ effect }) => effect !== 'start');
  return { ...decision, steps, held: { kind: 'stopped-for', probe, why, at: unwell.at } };
}
