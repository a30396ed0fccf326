import type { Logger } from 'pino';
import { type Problem, unreachable } from '../problem.ts';
import { formatRevision } from '../revision.ts';
import { formatExit } from '../status.ts';
import { formatDuration } from '../units.ts';
import { waitingText } from '../waiting.ts';
import { actedLevel, actedText } from './acted-words.ts';
import type { DaemonEvent } from './daemon.ts';
import { healthLevel, healthText } from './health-words.ts';
import { probeText } from './probe-events.ts';

/** An event in one line, or '' where it needs none. */
export function eventText(event: DaemonEvent): string {
  switch (event.kind) {
    case 'run':
      return '';
    case 'ready':
      return `ready: ${event.adopted} services already running, control socket ${event.socket}`;
    case 'overridden':
      return `windows, freezes and gates are passed over, ${event.by} says: ${event.why}`;
    case 'planned':
      return event.plan.steps.length === 0
        ? ''
        : `plan of ${event.plan.revision}: ${event.plan.steps.map(({ id }) => id).join(', ')}`;
    case 'held':
      return `${listText(event.services)}: ${isBack(event.reason) ? 'not as Git says' : 'left alone'}: ${heldText(event.reason)}`;
    case 'drift':
      return driftText(event);
    case 'duel':
      return `${event.service}: somebody undid it ${event.rounds} times, it is left alone from now on: ${event.evidence.join('; ')}`;
    case 'applied': {
      const { steps } = event.report;
      const failed = steps.filter(({ outcome }) => outcome.kind !== 'done').length;
      return steps.length === 0 ? '' : `applied: ${steps.length - failed} done, ${failed} failed or skipped`;
    }
    case 'handover-stage':
      return `${event.service}: ${event.text}`;
    case 'step-started':
      return `${event.step.service}: ${event.step.action}...`;
    case 'step-ended':
      return event.outcome.kind === 'done'
        ? `${event.step.service}: ${event.step.action} done in ${formatDuration(Math.round(event.took))}`
        : flat(event.outcome.problem);
    case 'state': {
      const because = event.reason ?? (event.exit === undefined ? undefined : `ended with ${formatExit(event.exit)}`);
      const pid = event.pid === undefined ? '' : ` pid ${event.pid}`;
      return `${event.service}: ${event.from} -> ${event.to}${pid}${because === undefined ? '' : ` (${because})`}`;
    }
    case 'adopted':
      return `${event.service}: taken back as it runs, pid ${event.pid}`;
    case 'killed':
      return `${event.service}: did not end on its stop signal within ${formatDuration(event.after)}: killed`;
    case 'unseen':
      return `${event.service}: its shim was killed; pid ${event.pid} goes on, how it ends will not be seen`;
    case 'service-trouble':
      return `${event.service}: ${flat(event.problem)}`;
    case 'acted':
      return actedText(event);
    case 'restarted':
      return `${event.service}: restarted by its supervisord, pid ${event.pid}, ${event.times} times by now`;
    case 'trial':
      return `${event.service}: its cooldown is over, it is tried again`;
    case 'breaker':
      return breakerText(event);
    case 'invalid': {
      const force = event.inForce === undefined ? 'nothing was applied yet' : `${event.inForce} stays in force`;
      return `the desired state is invalid, nothing was changed: ${force}\n${event.problems.map(flat).join('\n')}`;
    }
    case 'frozen': {
      const until = event.until === undefined ? '' : ` until ${new Date(event.until).toISOString()}`;
      return `${event.name === '*' ? 'everything' : event.name} is frozen by ${event.by}${until}: ${event.why}`;
    }
    case 'unfrozen':
      return `${event.name === '*' ? 'everything' : event.name} is no longer frozen`;
    case 'valid-again':
      return 'the desired state is valid again';
    case 'trouble':
      return flat(event.problem);
    case 'fetched': {
      const { from, commit, subject, author, rewritten } = event;
      const what = `commit ${commit.slice(0, 12)} by ${author}: ${subject}`;
      if (from === undefined) return what;
      return rewritten
        ? `${what} (history was rewritten or set back: it does not come after ${from.slice(0, 12)})`
        : `${what} (after ${from.slice(0, 12)})`;
    }
    case 'refused':
    case 'unreachable': {
      const force = event.inForce === undefined ? '' : `; ${event.inForce.slice(0, 12)} stays in force`;
      return `${flat(event.problem)}${force}`;
    }
    case 'reachable':
      return `the repository can be reached again, after ${formatDuration(Math.max(1000, Math.round(event.after / 1000) * 1000))}`;
    case 'verified':
      return `${listText(event.services)}: changed, and stayed well`;
    case 'verify-failed':
      return verifyFailedText(event);
    case 'rolled-back':
      return `${listText(event.services)}: rolled back, and stayed well; ${formatRevision(event.revision)} is not tried again for it`;
    case 'quarantine-cleared':
      return `${formatRevision(event.revision)} is no longer in force: ${listText(event.services)} follows Git again`;
    case 'held-by':
      return `${event.service}: left alone by ${event.by} until ${new Date(event.until).toISOString()}: ${event.why}`;
    case 'released':
      return `${event.service}: no longer left alone`;
    case 'hold-ends': {
      const what = event.by === undefined ? 'left as somebody made it' : `left to ${event.by}`;
      const then =
        event.waits === undefined
          ? 'then it is made as Git says'
          : event.waits === 'gate'
            ? 'then it waits for a person, since it has a gate: reconcile release'
            : 'then it waits for a person (`confirm: true`): reconcile approve';
      return `${event.service}: ${what} until ${new Date(event.until).toISOString()}, ${then}`;
    }
    case 'gate':
      return gateText(event);
    case 'alert-failed':
      return `alerts can't be told to '${event.target}' (${event.place}), it is tried again: ${event.why}`;
    case 'alert-works': {
      const lost = event.dropped === 0 ? 'none was lost' : `${event.dropped} were lost`;
      return `alerts are told to '${event.target}' again, after ${formatDuration(Math.max(1000, Math.round(event.after / 1000) * 1000))}: ${lost}`;
    }
    case 'probe':
      return probeText(event);
    case 'level':
    case 'waiting-for':
    case 'waiting-over':
      return healthText(event);
    default:
      return unreachable(event);
  }
}

function gateText({ service, gate, since, what }: Extract<DaemonEvent, { kind: 'gate' }>): string {
  const long = formatDuration(Math.max(1000, Math.round((Date.now() - since) / 1000) * 1000));
  if (what.kind === 'passed') return `${service}: its gate (${gate}) passes, after ${long}: what waited goes on`;
  const next = {
    wait: 'it goes on waiting',
    ask: 'a person is asked: reconcile approve',
    proceed: 'what waits is done all the same',
  }[what.otherwise];
  return `${service}: its gate (${gate}) has not passed for ${long}: ${what.why}; ${next}`;
}

export function driftText({
  service,
  what,
  until,
  by = 'somebody',
}: Pick<Extract<DaemonEvent, { kind: 'drift' }>, 'service' | 'what' | 'until' | 'by'>): string {
  const end = until === undefined ? '' : `, left so until ${new Date(until).toISOString()}`;
  return `${service}: ${what === 'blocked' ? 'masked' : what} by ${by}, and Git has not changed${end}`;
}

function breakerText(event: Extract<DaemonEvent, { kind: 'breaker' }>): string {
  switch (event.to) {
    case 'open':
      return `this host is only observed until ${new Date(event.until).toISOString()}, and nothing is restarted: ${event.why}`;
    case 'trial':
      return `changes and restarts go on, on trial until ${new Date(event.until).toISOString()}: ${event.why}`;
    case 'closed':
      return `changes and restarts go on: ${event.by === 'hand' ? 'a person closed the breaker' : 'the trial went well'}`;
    default:
      return unreachable(event);
  }
}

function verifyFailedText({ service, why, by, then }: Extract<DaemonEvent, { kind: 'verify-failed' }>): string {
  const what = `${service}: changed by ${by} and did not stay well: ${why}`;
  switch (then.kind) {
    case 'told':
      return `${what}; it is left to its supervisor`;
    case 'left':
      return `${what}; it is left as it is${then.because === undefined ? '' : `: ${then.because}`}`;
    case 'back':
      return `${what}; it is rolled back ${then.to === undefined ? 'to not being there' : `to ${then.to}`}`;
    default:
      return unreachable(then);
  }
}

/** How many are named of those that one thing is said of. */
const NAMED = 5;

function listText(services: readonly string[]): string {
  const more = services.length - NAMED;
  return `${services.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function isBack(reason: Extract<DaemonEvent, { kind: 'held' }>['reason']): boolean {
  return reason.kind === 'quarantined' && reason.left !== true;
}

export function heldText(reason: Extract<DaemonEvent, { kind: 'held' }>['reason']): string {
  switch (reason.kind) {
    case 'unreadable':
    case 'blocked':
      return flat(reason.problem);
    case 'fatal':
      return `FATAL: ${reason.run.reason}`;
    case 'spent':
      return `HELD: ${reason.run.reason}; tried again at ${new Date(reason.run.until).toISOString()}`;
    case 'foreign':
      return `what has this name belongs to '${reason.owner}'`;
    case 'handover':
      return `${reason.from} has it too`;
    case 'reversed':
      return `its handover failed and was reversed: ${flat(reason.problem)}`;
    case 'stray':
      return `pid ${reason.pid} runs it already, ${reason.by}: ${reason.why}`;
    case 'duel':
      return `somebody undid it ${reason.rounds} times: ${reason.evidence.join('; ')}`;
    case 'maybe-renamed':
      return `${reason.from} is the same program and no longer in Git`;
    case 'needs':
      return `needs ${reason.service}, which is not running`;
    case 'stopping':
      return 'somebody is stopping it, it is started again once it is down';
    case 'stopped-with':
      return `stopped together with ${reason.unit}, which it needs or is part of`;
    case 'neighbours':
      return `changing it would restart ${reason.others.join(', ')} too, of group '${reason.group}'`;
    case 'prune-cap':
      return `no longer in Git, but ${reason.count} would be removed and \`prune.max\` is ${reason.max}`;
    case 'window':
      return `${waitingText(reason.waits)} waits for its time: ${reason.why}`;
    case 'frozen':
      return `${waitingText(reason.waits)} waits, frozen by ${reason.by}: ${reason.why}`;
    case 'observed':
      return `${waitingText(reason.waits)} is only told: \`mode: observe\``;
    case 'unavailable':
      return `${waitingText(reason.waits)} waits: of group '${reason.group}' no more than ${reason.max} may be down at a time: ${reason.down.join(', ')}`;
    case 'approval':
      return `${waitingText(reason.waits)} waits for \`reconcile approve ${reason.plan}\``;
    case 'gate':
      return `${waitingText(reason.waits)} waits for its gate (${reason.gate}): ${reason.why}`;
    case 'breaker':
      return `${waitingText(reason.waits)} is only told: ${reason.why}`;
    case 'hold':
      return `left alone by ${reason.by}: ${reason.why}`;
    case 'stopped-for':
      return `stopped since its probe ${reason.probe} failed: ${reason.why}`;
    case 'quarantined':
      return `${reason.commit} is not applied to it: ${reason.why}`;
    default:
      return unreachable(reason);
  }
}

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

function flat(problem: Problem): string {
  const { at, file, summary, hint } = problem;
  const place = at === undefined ? (file === undefined ? '' : `${file}: `) : `${at.file}:${at.line}:${at.column}: `;
  return `${place}${summary}${hint === undefined ? '' : ` (${hint})`}`;
}
