import type { Wanted } from '../duels/rounds.ts';
import type { Marks } from '../marks.ts';
import type { Report, ServiceId, StepReport } from '../model.ts';

/** What an apply did to one service. */
export interface Action {
  readonly id: ServiceId;
  readonly wanted: Wanted;
  /** Why: Git or a person wanted another thing; it had to be put right with no change of Git; or it was not well by itself. */
  readonly cause: 'git' | 'drift' | 'other';
}

/**
 * The services whose processes an apply has started or stopped, or tried to, and those that a person asked for, for whom
 * that is a new beginning. `before` and `after`: what was known of them. Pure.
 */
export function actionsOf(
  { steps }: Pick<Report, 'steps'>,
  before: Marks,
  after: Marks,
  asked: readonly ServiceId[] = [],
): readonly Action[] {
  const actions = new Map<ServiceId, Action>(asked.map((id) => [id, { id, wanted: 'running', cause: 'git' }]));
  for (const report of steps) {
    const wanted = wantedBy(report);
    const { service: id } = report.step;
    if (wanted !== undefined) actions.set(id, { id, wanted, cause: causeOf(report, before, after) });
  }
  return [...actions.values()];
}

function wantedBy({ step, outcome }: StepReport): Wanted | undefined {
  const { action, effect, handover } = step;
  // What is gone, and what somebody else runs again, is not ours to watch.
  if (action === 'remove' || action === 'retire' || action === 'give-back') return undefined;
  if (action === 'handover') return outcome.kind === 'done' && handover?.starts === true ? 'running' : undefined;
  const tried = outcome.kind === 'done' || (outcome.kind === 'failed' && outcome.problem.code === 'start-failed');
  if (!tried) return undefined;
  if (effect === 'start' || effect === 'restart') return 'running';
  return effect === 'stop' ? 'stopped' : undefined;
}

function causeOf({ step, outcome }: StepReport, before: Marks, after: Marks): Action['cause'] {
  const { reason, service: id, seen } = step;
  if (reason.kind === 'asked') return 'git';
  const settled = before[id]?.settled;
  if (outcome.kind === 'done' && settled !== after[id]?.settled) return 'git';
  if (settled === undefined) return 'other';
  switch (reason.kind) {
    case 'not-running':
      return seen.kind === 'present' && seen.run === 'stopped' ? 'drift' : 'other';
    case 'missing':
    case 'not-wanted':
      return 'drift';
    case 'files':
      return reason.by === 'others' ? 'drift' : 'other';
    default:
      return 'other';
  }
}
