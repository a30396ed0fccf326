import { hash } from 'node:crypto';
import type { Condition, Severity } from '../alerts/alert.ts';
import type { Acted, Deed } from '../health/act.ts';
import type { Level } from '../model.ts';
import type { Problem } from '../problem.ts';
import { unreachable } from '../problem.ts';
import type { DaemonEvent } from './event.ts';
import { downCondition, duelCondition, verifyCondition } from './plan-conditions.ts';
import { eventText } from './words.ts';

/** What an event means for what is to be told. */
export type Meaning =
  | { readonly kind: 'on'; readonly condition: Condition }
  | { readonly kind: 'off'; readonly key: string }
  /** It is well again: of what was done about it there is no more to tell. */
  | { readonly kind: 'well'; readonly service: string }
  | { readonly kind: 'waits'; readonly service: string; readonly on: string; readonly why: string }
  | { readonly kind: 'waits-no-more'; readonly service: string };

/** ms. What nobody tells the end of is over when it did not come again for so long. */
const LASTS = 3_600_000;

/** Most events mean nothing here. What a plan holds is read from the plan, which says also that it is over. Pure. */
export function meaningsOf(event: DaemonEvent, now: number): readonly Meaning[] {
  switch (event.kind) {
    case 'state':
      return stateMeanings(event.service, event.to, event.reason);
    case 'level':
      return event.of === 'service' ? levelMeanings(event.service, event.to, event.why) : [];
    case 'waiting-for':
      return [{ kind: 'waits', service: event.service, on: event.cause.on, why: event.cause.why }];
    case 'waiting-over':
      return [{ kind: 'waits-no-more', service: event.service }];
    case 'verify-failed':
      // Nothing is done about it: it is told as what it is now, where it is not well.
      if (event.then.kind === 'told')
        return [on({ ...verifyCondition(event.service, 'warning', eventText(event)), lasts: LASTS })];
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
    case 'breaker':
      if (event.to === 'closed') return [off('breaker')];
      return event.to === 'open' ? [on(breakerCondition(event))] : [];
    case 'acted':
      return [on(actedCondition(event))];
    case 'held-by':
      return [on(holdCondition(event))];
    case 'released':
      return [off(`hold:${event.service}`)];
    case 'hold-ends':
      return [on(holdEndsCondition(event, now))];
    case 'duel':
      return [on(duelCondition(event.service, event.rounds, event.evidence))];
    case 'gate':
      return gateMeanings(event);
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

const LEVELS: Readonly<Record<Exclude<Level, 'HEALTHY'>, Severity>> = {
  DEGRADED: 'warning',
  CRITICAL: 'critical',
  DEAD: 'critical',
};

function levelMeanings(service: string, to: Level | undefined, why: string | undefined): readonly Meaning[] {
  const key = `health:${service}`;
  if (to === undefined || to === 'HEALTHY') return [off(key), { kind: 'well', service }];
  const title = `${service} is ${to}${why === undefined ? '' : `: ${why}`}`;
  return [on({ key, kind: 'health', severity: LEVELS[to], service, title, hint: `reconcile explain ${service}` })];
}

function breakerCondition(event: Extract<DaemonEvent, { kind: 'breaker' }>): Condition {
  const hint = 'reconcile status; mend what keeps ending, then: reconcile release --breaker';
  return { key: 'breaker', kind: 'breaker', severity: 'critical', title: eventText(event), hint };
}

const DEEDS: Readonly<Record<Deed, readonly [done: string, act: string]>> = {
  restart: ['restarted', 'restart'],
  rollback: ['rolled back', 'roll back'],
  stop: ['stopped', 'stop'],
};

/** What was done about a failing probe, or is only told: `mode: observe`. */
function actedCondition({ service, probe, why, what, outcome }: Acted): Condition {
  const [done, act] = DEEDS[what];
  const fails = `probe ${probe} fails: ${why}`;
  const hint = `reconcile explain ${service}`;
  const head = {
    key: `acted:${service}/${probe}/${outcome.kind}`,
    kind: 'acted',
    service,
    hint,
    lasts: LASTS,
  } as const;
  switch (outcome.kind) {
    case 'done':
      return { ...head, severity: 'warning', title: `${done} ${service}: ${fails}` };
    case 'would':
      return { ...head, severity: 'warning', title: `would have ${done} ${service}: ${fails}` };
    case 'refused': {
      const until = outcome.until === undefined ? '' : ` until ${new Date(outcome.until).toISOString()}`;
      const title = `did not ${act} ${service}${until}, though ${fails}`;
      return { ...head, severity: 'critical', title, text: outcome.because };
    }
    case 'failed':
      return {
        ...head,
        severity: 'critical',
        title: `could not ${act} ${service}, though ${fails}`,
        text: outcome.because,
      };
    default:
      return unreachable(outcome);
  }
}

function holdCondition(event: Extract<DaemonEvent, { kind: 'held-by' }>): Condition {
  const { service } = event;
  const hint = `reconcile release ${service}`;
  return { key: `hold:${service}`, kind: 'hold', severity: 'info', service, title: eventText(event), hint };
}

/** It is over with the hold, which nobody tells of what was only left as somebody made it. */
function holdEndsCondition(event: Extract<DaemonEvent, { kind: 'hold-ends' }>, now: number): Condition {
  const { service, until } = event;
  return {
    key: `hold:${service}`,
    kind: 'hold',
    severity: 'warning',
    service,
    title: eventText(event),
    hint: `to keep it so: reconcile hold ${service} --for 2h, or commit what it is to be`,
    lasts: Math.max(1000, until - now),
  };
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

function gateMeanings({ service, what, ...event }: Extract<DaemonEvent, { kind: 'gate' }>): readonly Meaning[] {
  const key = `gate:${service}`;
  if (what.kind === 'passed') return [off(key)];
  // That a person is asked is what the plan tells.
  if (what.otherwise === 'ask') return [];
  const title = eventText({ ...event, service, what });
  // What is done all the same waits no more, which nobody tells.
  const lasts = what.otherwise === 'proceed' ? { lasts: LASTS } : {};
  return [
    on({ key, kind: 'gate', severity: 'warning', service, title, hint: `reconcile explain ${service}`, ...lasts }),
  ];
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

function problemText({ at, file, summary }: Problem): string {
  if (at !== undefined) return `${at.file}:${at.line}:${at.column}: ${summary}`;
  return file === undefined ? summary : `${file}: ${summary}`;
}
