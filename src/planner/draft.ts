import type {
  Action,
  Actual,
  Held,
  Notice,
  Reason,
  Run,
  Seen,
  ServiceId,
  ServiceName,
  Step,
  StepEffect,
  SupervisorName,
  Target,
} from '../model.ts';
import { removalOf } from './files.ts';

/** What the planner makes of one service or object, before the order of steps is known. */
export interface Draft {
  readonly service: ServiceId;
  readonly supervisor: SupervisorName;
  readonly steps: readonly Step[];
  readonly held?: Held['reason'];
  readonly notices: readonly Notice[];
  /** A removal that only makes sense together with this service: dropped where that one is held. */
  readonly makesWayFor?: ServiceId;
}

export function step(
  action: Action,
  at: { readonly id: ServiceId; readonly supervisor: SupervisorName },
  reason: Reason,
  effect: StepEffect,
  actual: Actual | undefined,
  target?: Target,
): Step {
  return {
    id: `${action}:${at.id}`,
    service: at.id,
    supervisor: at.supervisor,
    action,
    reason,
    effect,
    after: [],
    seen: seen(actual),
    ...(target === undefined ? {} : { target }),
  };
}

/** The removal of what a supervisor has, and of its process. */
export function remove(actual: Actual, supervisor: SupervisorName, reason: Reason): Step {
  const ends = !actual.borrowed && (alive(actual.run) || waits(actual.run));
  return {
    ...step('remove', { id: actual.id, supervisor }, reason, ends ? 'stop' : 'none', actual),
    ...removalOf(actual),
  };
}

function seen(actual: Actual | undefined): Seen {
  if (actual === undefined) return { kind: 'absent' };
  const { run } = actual;
  const pid = 'pid' in run ? { pid: run.pid } : {};
  return { kind: 'present', hash: actual.definition.hash, run: run.kind, ...pid };
}

/** It has a process that is meant to stay. */
export function alive(run: Run): run is Extract<Run, { kind: 'running' | 'starting' }> {
  return run.kind === 'running' || run.kind === 'starting';
}

/** It has no process, but supervision will start one. */
export function waits(run: Run): boolean {
  return run.kind === 'backoff' || run.kind === 'held';
}

export function isHandover({ action }: Step): boolean {
  return action === 'handover';
}

/** Is it written and read first, with no start of its own? */
export function loadsFirst({ steps }: Draft): boolean {
  return steps.some((step) => isHandover(step) || step.late);
}

/** What of ours goes with a handover: each by its supervisor and id. */
export function handedOver({ handover }: Step): string[] {
  return (handover?.from ?? []).flatMap((old) => (old.kind === 'own' ? [`${old.supervisor} ${old.id}`] : []));
}

export function startsIt(step: Step): boolean {
  return step.effect === 'start' || step.effect === 'restart';
}

export function stopsIt(step: Step): boolean {
  return step.action === 'stop' || step.action === 'remove';
}

/** `web@2` -> `web` */
export function nameOf(id: ServiceId): ServiceName {
  const at = id.indexOf('@');
  return at === -1 ? id : id.slice(0, at);
}
