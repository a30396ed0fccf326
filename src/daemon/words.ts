import { unreachable } from '../problem.ts';
import { formatRevision } from '../revision.ts';
import { formatExit } from '../status.ts';
import { formatDuration } from '../units.ts';
import { actedText } from './acted-words.ts';
import type { DaemonEvent } from './event.ts';
import { healthText } from './health-words.ts';
import { flat, heldText, isBack } from './held-words.ts';
import { probeText } from './probe-events.ts';
import { touchedText } from './touched.ts';

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
    case 'touched':
      return touchedText(event);
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
