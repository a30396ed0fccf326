import type { Logger } from 'pino';
import { actedLevel } from './acted-words.ts';
import type { DaemonEvent } from './event.ts';
import { healthLevel } from './health-words.ts';
import { eventText } from './words.ts';

/** It waits since somebody wants it so. */
const MEANT: ReadonlySet<string> = new Set(['window', 'frozen', 'observed', 'approval', 'gate', 'hold']);

/** Logs an event with what it holds as fields, at the level it deserves. */
export function logEvent(log: Logger, event: DaemonEvent): void {
  const text = eventText(event);
  if (text !== '') log[levelOf(event)]({ event: event.kind, ...fieldsOf(event) }, text);
}

export function levelOf(event: DaemonEvent): 'info' | 'warn' | 'error' {
  switch (event.kind) {
    case 'acted':
      return actedLevel(event);
    case 'invalid':
    case 'refused':
    case 'trouble':
    case 'service-trouble':
      return 'error';
    case 'verify-failed':
      return 'error';
    case 'fetched':
      return event.rewritten ? 'warn' : 'info';
    case 'rolled-back':
    case 'alert-failed':
    case 'unreachable':
    case 'killed':
    case 'unseen':
    case 'restarted':
    case 'drift':
      return 'warn';
    case 'breaker':
      return event.to === 'open' ? 'error' : event.to === 'trial' ? 'warn' : 'info';
    case 'held':
      return MEANT.has(event.reason.kind) ? 'info' : 'error';
    case 'overridden':
      return 'warn';
    case 'duel':
      return 'error';
    case 'step-ended':
      return event.outcome.kind === 'done' ? 'info' : 'error';
    case 'state':
      return event.to === 'FATAL' || event.to === 'HELD' ? 'error' : event.to === 'BACKOFF' ? 'warn' : 'info';
    case 'touched':
      return event.outcome.kind !== 'done' ? 'error' : event.ended ? 'warn' : 'info';
    case 'hold-ends':
      return 'warn';
    case 'gate':
      return event.what.kind === 'over' ? 'warn' : 'info';
    case 'probe':
      return event.verdict === 'failing' ? 'warn' : 'info';
    case 'level':
    case 'waiting-for':
    case 'waiting-over':
      return healthLevel(event);
    default:
      return 'info';
  }
}

function fieldsOf(event: DaemonEvent): object {
  if ('services' in event) return { services: event.services };
  if ('service' in event) return { service: event.service };
  if ('step' in event) return { service: event.step.service, step: event.step.id };
  return {};
}
