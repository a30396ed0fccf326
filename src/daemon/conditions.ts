import { hash } from 'node:crypto';
import type { Condition, Severity } from '../alerts/alert.ts';
import type { Action, Held, Level, Plan } from '../model.ts';
import type { Problem } from '../problem.ts';
import { unreachable } from '../problem.ts';
import type { DaemonEvent } from './event.ts';
import { driftText, eventText, heldText } from './words.ts';

/** What an event means for what is to be told. */
export type Meaning =
  | { readonly kind: 'on'; readonly condition: Condition }
  | { readonly kind: 'off'; readonly key: string }
  | { readonly kind: 'waits'; readonly service: string; readonly on: string; readonly why: string }
  | { readonly kind: 'waits-no-more'; readonly service: string };

/** ms. What nobody tells the end of is over when it did not come again for so long. */
const LASTS = 3_600_000;

/** Most events mean nothing here. What a plan holds is read from the plan, which says also that it is over. Pure. */
export function meaningsOf(event: DaemonEvent): readonly Meaning[] {
  switch (event.kind) {
    case 'state':
      return stateMeanings(event.service, event.to, event.reason);
    case 'level':
      return event.of === 'service' ? [levelMeaning(event.service, event.to, event.why)] : [];
    case 'waiting-for':
      return [{ kind: 'waits', service: event.service, on: event.cause.on, why: event.cause.why }];
    case 'waiting-over':
      return [{ kind: 'waits-no-more', service: event.service }];
    case 'verify-failed':
      return [on(verifyCondition(event.service, 'critical', eventText(event)))];
    case 'rolled-back':
      return event.services.map((service) =>
        on(verifyCondition(service, 'warning', eventText({ ...event, services: [service] }))),
      );
    case 'verified':
    case 'quarantine-cleared':
      return event.services.map((service) => off(`verify:${service}`));
    case 'invalid':
      return [on(invalidCondition(event.problems, event.inForce))];
    case 'valid-again':
      return [off('desired-state')];
    case 'refused':
      return [on({ ...sourceCondition('refused', event), hint: event.problem.hint ?? 'reconcile status' })];
    case 'fetched':
      return [off('source:refused')];
    case 'unreachable':
      return [on({ ...sourceCondition('unreachable', event), hint: event.problem.hint ?? 'reconcile sync' })];
    case 'reachable':
      return [off('source:unreachable')];
    case 'duel':
      return [on(duelCondition(event.service, event.rounds, event.evidence))];
    case 'gate':
      return [gateMeaning(event)];
    case 'step-ended':
      return stepMeanings(event);
    case 'trouble':
      return [on(troubleCondition(event.problem))];
    case 'service-trouble':
      return [on(troubleCondition(event.problem, event.service))];
    default:
      return [];
  }
}

function on(condition: Condition): Meaning {
  return { kind: 'on', condition };
}

function off(key: string): Meaning {
  return { kind: 'off', key };
}

function stateMeanings(service: string, to: string, reason: string | undefined): readonly Meaning[] {
  switch (to) {
    case 'FATAL':
    case 'HELD':
      return [on(downCondition(service, to, reason ?? 'it ended'))];
    case 'RUNNING':
    case 'STOPPED':
    case 'EXITED':
      return [off(`down:${service}`)];
    default:
      return [];
  }
}

function downCondition(service: string, state: 'FATAL' | 'HELD', text: string): Condition {
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

const LEVELS: Readonly<Record<Exclude<Level, 'HEALTHY'>, Severity>> = {
  DEGRADED: 'warning',
  CRITICAL: 'critical',
  DEAD: 'critical',
};

function levelMeaning(service: string, to: Level | undefined, why: string | undefined): Meaning {
  const key = `health:${service}`;
  if (to === undefined || to === 'HEALTHY') return off(key);
  const title = `${service} is ${to}${why === undefined ? '' : `: ${why}`}`;
  return on({ key, kind: 'health', severity: LEVELS[to], service, title, hint: `reconcile explain ${service}` });
}

function verifyCondition(service: string, severity: Severity, title: string): Condition {
  const hint = `reconcile explain ${service}; mend it and commit, or: reconcile retry`;
  return { key: `verify:${service}`, kind: 'verify', severity, service, title, hint };
}

function invalidCondition(problems: readonly Problem[], inForce: string | undefined): Condition {
  return {
    key: 'desired-state',
    kind: 'desired-state',
    severity: 'warning',
    title: `the desired state is invalid: ${inForce === undefined ? 'nothing was applied yet' : `${inForce} stays in force`}`,
    text: problems.map(problemText).join('\n'),
    hint: 'reconcile validate',
  };
}

function sourceCondition(
  what: string,
  { problem, inForce }: { readonly problem: Problem; readonly inForce: string | undefined },
): Condition {
  const force = inForce === undefined ? '' : `; ${inForce.slice(0, 12)} stays in force`;
  return {
    key: `source:${what}`,
    kind: 'source',
    severity: 'warning',
    title: `${problem.summary}${force}`,
    ...(problem.detail === undefined ? {} : { text: problem.detail }),
  };
}

function duelCondition(service: string, rounds: number, evidence: readonly string[]): Condition {
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

function gateMeaning(event: Extract<DaemonEvent, { kind: 'gate' }>): Meaning {
  const { service, then } = event;
  const key = `gate:${service}`;
  if (then.kind === 'passed') return off(key);
  const hint = then.otherwise === 'ask' ? 'reconcile approve' : `reconcile explain ${service}`;
  // What is done all the same waits no more, which nobody tells.
  const lasts = then.otherwise === 'proceed' ? { lasts: LASTS } : {};
  return on({ key, kind: 'gate', severity: 'warning', service, title: eventText(event), hint, ...lasts });
}

/** What was tried and failed; that something did not come up is told as what it is then. */
function stepMeanings({ step, outcome }: Extract<DaemonEvent, { kind: 'step-ended' }>): readonly Meaning[] {
  const { service, effect } = step;
  const key = `apply:${service}`;
  if (outcome.kind === 'done')
    return [off(key), ...(effect === 'start' || effect === 'restart' ? [off(`down:${service}`)] : [])];
  if (outcome.kind !== 'failed' || outcome.problem.code === 'start-failed') return [];
  const { summary, detail, hint = `reconcile explain ${service}` } = outcome.problem;
  const text = detail === undefined ? {} : { text: detail };
  return [on({ key, kind: 'apply', severity: 'critical', service, title: summary, ...text, hint })];
}

/** Numbers in it change, and it is the same all the same. */
function troubleCondition(problem: Problem, service?: string): Condition {
  const { code, summary, detail, hint } = problem;
  const which = hash('sha256', summary.replace(/\d+/g, '#')).slice(0, 8);
  return {
    key: `trouble:${service === undefined ? '' : `${service}:`}${code}:${which}`,
    kind: 'trouble',
    severity: 'warning',
    ...(service === undefined ? {} : { service }),
    title: service === undefined || summary.includes(service) ? summary : `${service}: ${summary}`,
    ...(detail === undefined ? {} : { text: detail }),
    ...(hint === undefined ? {} : { hint }),
    lasts: LASTS,
  };
}

/** All that a plan says is not as it should be and does not mend itself. */
export function conditionsIn({ held, notices }: Pick<Plan, 'held' | 'notices'>): readonly Condition[] {
  return [
    ...held.flatMap(({ service, reason }) => heldCondition(service, reason) ?? []),
    ...notices.flatMap((notice) =>
      notice.kind === 'drift' ? [driftCondition(notice.service, { ...notice, until: undefined })] : [],
    ),
  ];
}

function driftCondition(
  service: string,
  drift: Pick<Extract<DaemonEvent, { kind: 'drift' }>, 'what' | 'until'>,
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

function heldCondition(service: string, reason: Held['reason']): Condition | undefined {
  switch (reason.kind) {
    case 'fatal':
      return downCondition(service, 'FATAL', reason.run.reason);
    case 'spent':
      return downCondition(service, 'HELD', reason.run.reason);
    case 'drift':
      return driftCondition(service, { what: reason.what, until: reason.until });
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

function problemText({ at, file, summary }: Problem): string {
  if (at !== undefined) return `${at.file}:${at.line}:${at.column}: ${summary}`;
  return file === undefined ? summary : `${file}: ${summary}`;
}
