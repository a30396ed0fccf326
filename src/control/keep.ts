import type { Observed, Plan, Report, ServiceId } from '../model.ts';
import { Failure } from '../problem.ts';
import { appliedAfter, appliedNow, saveApplied } from './applied.ts';
import { approve, saveApprovals, stillOpen, unused, waitingIn } from './approvals.ts';
import type { Decided } from './index.ts';

/** What a run knows of the decisions that it was planned with. */
export interface Controlled extends Decided {
  /** Something may have to wait: else nothing is to be remembered. */
  readonly active: boolean;
}

/** Writes down that a person approves all that waits in a plan. Fails where that is not what he has looked at. */
export function approveWaiting(
  stateDir: string,
  { approvals }: Pick<Decided, 'approvals'>,
  plan: Plan,
  { plan: id, by }: { readonly plan: string; readonly by: string },
): void {
  const waiting = waitingIn(plan);
  if (waiting?.plan !== id) throw new Failure(stale(id, waiting));
  saveApprovals(stateDir, approvals, approve(approvals, plan, { by, at: Date.now() }));
}

function stale(id: string, waiting: ReturnType<typeof waitingIn>) {
  const code = 'not-waiting';
  if (waiting === undefined)
    return { code, summary: `cannot approve ${id}: nothing waits for an approval; nothing was done` };
  return {
    code,
    summary: `cannot approve ${id}: what waits now is ${waiting.plan}, for ${waiting.services.join(', ')}; nothing was done`,
    hint: `look at it with \`reconcile --dry-run\`, then: reconcile approve ${waiting.plan}`,
  };
}

/**
 * Before an apply: approvals that nothing can come of any more go, and what runs while changes may have to wait is
 * remembered. Gives what is to be remembered after it.
 */
export function keepControl(
  stateDir: string,
  { active, approvals, applied = new Map() }: Controlled,
  {
    plan,
    observed,
    declared,
  }: { readonly plan: Plan; readonly observed: Observed; readonly declared: ReadonlySet<ServiceId> },
  chosen: (id: ServiceId) => boolean,
): (report: Report) => void {
  const open = stillOpen(approvals, plan, chosen);
  saveApprovals(stateDir, approvals, open);
  if (!active) return () => {};
  const now = appliedNow(applied, observed, declared);
  saveApplied(stateDir, applied, now);
  return (report) => {
    saveApprovals(stateDir, open, unused(open, report));
    saveApplied(stateDir, now, appliedAfter(now, report));
  };
}
