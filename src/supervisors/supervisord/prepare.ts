import type { Step } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { writeFiles } from '../shared/files.ts';
import type { Observer } from './observe.ts';
import { problemOf } from './observe.ts';

/**
 * What all steps of an apply need at once: program files are written, and supervisord reads all of them anew, once. What a
 * removal takes away stays until its program is stopped. Gives the steps that can't be taken, and why.
 */
export async function prepare(
  { link }: Observer,
  steps: readonly Step[],
  reread: () => Promise<void>,
): Promise<ReadonlyMap<string, Problem>> {
  const { refused } = writeFiles(steps, ({ action }) => action !== 'remove');
  // One that is down reads all there is when it starts, which may be a step of this plan.
  if ((await link.presence()).kind !== 'up') return refused;
  try {
    if (steps.some(needsReading)) await reread();
  } catch (error) {
    const problem = problemOf(link.instance, error);
    for (const step of steps) if (!refused.has(step.id) && needsReading(step)) refused.set(step.id, problem);
  }
  return refused;
}

function needsReading({ files, action, effect }: Step): boolean {
  return action !== 'remove' && (files !== undefined || effect === 'start' || effect === 'restart');
}
