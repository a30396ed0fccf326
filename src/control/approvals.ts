import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import type { Plan, Report, ServiceId } from '../model.ts';

/** That a person has looked at what is to be done to a service: at this very work, and nothing else. */
export interface Approval {
  readonly service: ServiceId;
  /** A digest of the work, as `Held` tells it. */
  readonly work: string;
  /** What was approved it was a part of. */
  readonly plan: string;
  readonly by: string;
  /** ms since the epoch */
  readonly at: number;
}

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'approvals.json');

export function readApprovals(stateDir: string): readonly Approval[] {
  return readDecision(fileOf(stateDir), isApprovals) ?? [];
}

/** Writes them where they have changed. */
export function saveApprovals(stateDir: string, before: readonly Approval[], after: readonly Approval[]): void {
  if (JSON.stringify(before) !== JSON.stringify(after)) writeDecision(fileOf(stateDir), after);
}

const isApprovals = (value: unknown): value is readonly Approval[] =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isObject(one) &&
      [one.service, one.work, one.plan, one.by].every((text) => typeof text === 'string') &&
      typeof one.at === 'number',
  );

/** What waits in a plan for somebody's approval, by the one id for all of it; undefined where nothing does. */
export function waitingIn({
  held,
}: Pick<Plan, 'held'>): { readonly plan: string; readonly services: readonly ServiceId[] } | undefined {
  const all = held.flatMap(({ service, reason }) =>
    reason.kind === 'approval' ? [{ service, plan: reason.plan }] : [],
  );
  const [first] = all;
  return first === undefined ? undefined : { plan: first.plan, services: all.map(({ service }) => service) };
}

/** Approves all that waits in a plan; one for each service, in place of earlier ones. */
export function approve(
  before: readonly Approval[],
  { held }: Pick<Plan, 'held'>,
  { by, at }: { readonly by: string; readonly at: number },
): readonly Approval[] {
  const more = held.flatMap(({ service, reason }): Approval[] =>
    reason.kind === 'approval' ? [{ service, work: reason.work, plan: reason.plan, by, at }] : [],
  );
  return [...before.filter(({ service }) => !more.some((one) => one.service === service)), ...more];
}

/**
 * Those that something can still come of: what is no longer to be done, or is by now something else, must not be found
 * approved when it comes again some day. `chosen`: the plan is about this service.
 */
export function stillOpen(
  approvals: readonly Approval[],
  { steps, held }: Pick<Plan, 'steps' | 'held'>,
  chosen: (id: ServiceId) => boolean,
): readonly Approval[] {
  if (approvals.length === 0) return approvals;
  const open = new Set(steps.map(({ service }) => service));
  for (const { service, reason } of held)
    if (reason.kind === 'needs' || (reason.kind === 'approval' ? reason.gate !== undefined : 'waits' in reason))
      open.add(service);
  return approvals.filter(({ service }) => !chosen(service) || open.has(service));
}

/** Those that are not used up by an apply: all that was to be done to the service is. */
export function unused(approvals: readonly Approval[], { steps }: Pick<Report, 'steps'>): readonly Approval[] {
  if (approvals.length === 0) return approvals;
  const touched = new Set(steps.map(({ step }) => step.service));
  const undone = new Set(steps.filter(({ outcome }) => outcome.kind !== 'done').map(({ step }) => step.service));
  return approvals.filter(({ service }) => !touched.has(service) || undone.has(service));
}
