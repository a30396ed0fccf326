import type { Condition, Severity } from '../alerts/alert.ts';
import type { Action, Held, Plan } from '../model.ts';
import { unreachable } from '../problem.ts';
import type { DaemonEvent } from './event.ts';
import { heldText } from './held-words.ts';
import { driftText } from './words.ts';

/** All that a plan says is not as it should be and does not mend itself. */
export function conditionsIn({ held, notices }: Pick<Plan, 'held' | 'notices'>): readonly Condition[] {
  return [
    ...held.flatMap(({ service, reason }) => heldCondition(service, reason) ?? []),
    ...notices.flatMap((notice) =>
      notice.kind === 'drift' ? [driftCondition(notice.service, { ...notice, until: undefined })] : [],
    ),
  ];
}

function heldCondition(service: string, reason: Held['reason']): Condition | undefined {
  switch (reason.kind) {
    case 'fatal':
      return downCondition(service, 'FATAL', reason.run.reason);
    case 'spent':
      return downCondition(service, 'HELD', reason.run.reason);
    case 'drift':
      return driftCondition(service, { what: reason.what, until: reason.until, by: reason.by });
    case 'duel':
      return duelCondition(service, reason.rounds, reason.evidence);
    case 'quarantined':
      return verifyCondition(service, 'warning', `${service}: ${heldText(reason)}`);
    case 'approval':
      return {
        key: `approval:${service}`,
        kind: 'approval',
        severity: 'warning',
        service,
        title: `${service}: ${heldText(reason)}`,
        ...(reason.gate === undefined
          ? {}
          : { text: `its gate (${reason.gate.gate}) did not pass in time: ${reason.gate.why}` }),
        hint: `to look at it: reconcile approve; then: reconcile approve ${reason.plan}`,
      };
    case 'observed':
      return {
        key: `observed:${service}`,
        kind: 'observed',
        severity: 'warning',
        service,
        title: `would have ${DONE[reason.waits.action]} ${service}: mode: observe`,
        hint: 'reconcile --dry-run',
      };
    case 'unreadable':
    case 'blocked':
    case 'foreign':
    case 'handover':
    case 'reversed':
    case 'stray':
    case 'maybe-renamed':
    case 'neighbours':
    case 'prune-cap':
    case 'stopped-for':
      return {
        key: `held:${service}`,
        kind: 'held',
        severity: 'warning',
        service,
        title: `${service} is left alone: ${heldText(reason)}`,
        hint: `reconcile explain ${service}`,
      };
    // Somebody wants it so, it is told elsewhere, or it goes on by itself.
    case 'needs':
    case 'stopping':
    case 'stopped-with':
    case 'pool':
    case 'window':
    case 'frozen':
    case 'unavailable':
    case 'gate':
    case 'breaker':
    case 'hold':
      return undefined;
    default:
      return unreachable(reason);
  }
}

const DONE: Readonly<Record<Action, string>> = {
  create: 'created',
  start: 'started',
  stop: 'stopped',
  restart: 'restarted',
  replace: 'restarted with its new definition',
  update: 'updated',
  remove: 'removed',
  handover: 'handed over',
  retire: 'ended what is beside',
  'give-back': 'given back',
};

function driftCondition(
  service: string,
  drift: Pick<Extract<DaemonEvent, { kind: 'drift' }>, 'what' | 'until' | 'by'>,
): Condition {
  return {
    key: `drift:${service}`,
    kind: 'drift',
    severity: 'warning',
    service,
    title: driftText({ service, ...drift }),
    hint: `commit what it is to be, or put it back now: reconcile start ${service}`,
  };
}

export function downCondition(service: string, state: 'FATAL' | 'HELD', text: string): Condition {
  const retry = state === 'HELD' ? 'it is tried again by itself; at once: ' : 'once that is mended: ';
  return {
    key: `down:${service}`,
    kind: 'down',
    severity: 'critical',
    service,
    title: `${service} is ${state}: ${text}`,
    hint: `reconcile explain ${service}; ${retry}reconcile start ${service}`,
  };
}

export function verifyCondition(service: string, severity: Severity, title: string): Condition {
  const hint = `reconcile explain ${service}; mend it and commit, or: reconcile retry`;
  return { key: `verify:${service}`, kind: 'verify', severity, service, title, hint };
}

export function duelCondition(service: string, rounds: number, evidence: readonly string[]): Condition {
  return {
    key: `duel:${service}`,
    kind: 'duel',
    severity: 'critical',
    service,
    title: `${service} is left alone: somebody undid it ${rounds} times`,
    text: evidence.join('\n'),
    hint: `reconcile who --restarts ${service}; once that is ended: reconcile start ${service}`,
  };
}
