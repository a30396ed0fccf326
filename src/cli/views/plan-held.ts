import type { DriftKind, Held, Plan, QuarantineHold } from '../../model.ts';
import { type Problem, unreachable } from '../../problem.ts';
import { waitingText } from '../../waiting.ts';

/** Why a service is held, and what to do next. */
export function heldWords(
  { service, reason }: Held,
  plan: Plan,
): { readonly why: string; readonly next: string | undefined } {
  switch (reason.kind) {
    case 'unreadable':
    case 'blocked':
      return { why: placed(reason.problem), next: reason.problem.hint };
    case 'foreign':
      return reason.runtimeDir === undefined
        ? {
            why: `what has this name belongs to '${reason.owner}'`,
            next: `give the service another name, or let '${reason.owner}' remove it first`,
          }
        : { why: `${reason.owner}, keeps it running`, next: `ask that one: --runtime-dir ${reason.runtimeDir}` };
    case 'handover':
      return {
        why: `${reason.from} has it too, and which of the two is to go can't be told`,
        next: `stop and remove one of them by hand, or write \`supervisor: ${reason.from}\` and apply first`,
      };
    case 'reversed':
      return {
        why: `its handover at ${time(reason.at)} failed and was reversed: ${placed(reason.problem)}`,
        next: `mend it and change Git, or try again as it is: reconcile start ${service}`,
      };
    case 'stray':
      return {
        why: `pid ${reason.pid} runs it already, ${reason.by}: a start would make a second copy (${reason.why})`,
        next: `look at it: reconcile who ${service}; name what runs it in \`supersedes\` to have it taken over; to start a second copy all the same: reconcile start ${service}`,
      };
    case 'duel':
      return {
        why: [`somebody undid it ${reason.rounds} times since ${time(reason.since)}`, ...reason.evidence].join('; '),
        next: `name that in \`supersedes\`, or end it and then: reconcile start ${service}`,
      };
    case 'fatal':
      return { why: `FATAL: ${reason.run.reason}`, next: `mend it, then: reconcile start ${service}` };
    case 'spent':
      return {
        why: `HELD: ${reason.run.reason}; tried again at ${time(reason.run.until)}`,
        next: `mend it, then: reconcile start ${service}`,
      };
    case 'drift': {
      const long = reason.until === undefined ? 'for a while (`holds.for`)' : `until ${time(reason.until)}`;
      const left = reason.stays
        ? 'the time that it is left so is over, but it has a gate: a person has to say that it is made as Git says'
        : `left so ${long}, then made as Git says`;
      return {
        why: `${driftText(reason.what, reason.by)}, and Git has not changed: ${left}`,
        next: `to make it so now: reconcile release ${service}; to keep it: reconcile capture ${service}, which writes it to Git's file; \`drift: heal\` would not wait`,
      };
    }
    case 'maybe-renamed':
      return {
        why: `${reason.from} is the same program and no longer in Git: this would be a second copy`,
        next: `if it was renamed, write \`formerly: [${reason.from}]\`; if not, declare ${reason.from} with \`state: absent\``,
      };
    case 'needs': {
      const also = plan.held.some((held) => isOf(held.service, reason.service));
      // Else it would be started behind that.
      if (reason.coming === true)
        return {
          why: `is handed over from what ${reason.service} runs, and that is only to be started`,
          next: 'what is to be taken over is known when it is up: run reconcile once more then (a daemon does)',
        };
      return {
        why: `needs ${reason.service}, which is not running`,
        next: also
          ? `${reason.service} is held itself: see there`
          : `start it first: reconcile start ${reason.service}`,
      };
    }
    case 'stopping':
      return {
        why: 'somebody is stopping it: it is started again once it is down',
        next: `run \`reconcile\` again then; to break the stop off: reconcile start ${service}`,
      };
    case 'stopped-with':
      return {
        why: `it was stopped together with ${reason.unit}, which it needs or is part of, and which is not running`,
        next: `it is started again with that; to start it now, and what it needs: reconcile start ${service}`,
      };
    case 'neighbours':
      return {
        why: `supervisord can only change it with its whole group '${reason.group}', which others made: that would restart ${reason.others.join(', ')} too`,
        next: `to do so all the same: reconcile start ${service}; or take it out of the group`,
      };
    case 'pool': {
      const name = service.split('@')[0];
      const isHeld = plan.held.some((held) => reason.others.includes(held.service) && held.reason.kind === 'hold');
      const others = reason.others.join(', ');
      const many = reason.others.length > 1;
      const stay = reason.restart
        ? `${many ? 'are' : 'is'} not to be restarted now`
        : `${many ? 'stay' : 'stays'} as before`;
      return {
        why: `supervisord can only change its instances together, and ${others} ${stay}`,
        next: isHeld
          ? `to go on with all of them: reconcile release ${name}`
          : reason.restart
            ? `to restart all of them: reconcile restart ${name}`
            : `all of them: reconcile --only ${name}; why one stays: reconcile explain ${reason.others[0]}`,
      };
    }
    case 'prune-cap':
      return {
        why: `no longer in Git, but ${reason.count} would be removed and \`prune.max\` is ${reason.max}: none is`,
        next: 'look whether Git lost them by mistake; else raise `prune.max` in policy.yaml',
      };
    case 'window':
      return {
        why: `${waitingText(reason.waits)} waits${reason.until === undefined ? ' for its time' : until(reason.until)}: ${reason.why}`,
        next: `${reason.until === undefined ? '`windows` in policy.yaml says when that is' : 'a daemon does it then by itself'}; to have it done now: reconcile --override REASON`,
      };
    case 'frozen':
      return {
        why: `${waitingText(reason.waits)} waits: frozen by ${reason.by}${until(reason.until)}: ${reason.why}`,
        next: `to go on: ${unfreeze(reason.name)}; to have it done all the same: reconcile --override REASON`,
      };
    case 'observed':
      return { why: `${waitingText(reason.waits)} is only told: \`mode: observe\``, next: undefined };
    case 'approval':
      return {
        why:
          reason.gate === undefined
            ? `${waitingText(reason.waits)} waits for a person who has looked at it (\`confirm: true\`)`
            : `${waitingText(reason.waits)} waits for a person, since its gate (${reason.gate.gate}) has not passed since ${time(reason.gate.since)}: ${reason.gate.why}`,
        next: `to have it done: reconcile approve ${reason.plan}`,
      };
    case 'unavailable': {
      const down = reason.down.join(', ');
      return reason.down.length >= reason.max && !reason.down.includes(service)
        ? {
            why: `${waitingText(reason.waits)} waits: of group '${reason.group}' no more than ${reason.max} may be down at a time (\`maxUnavailable\`), and ${reason.down.length === 1 ? 'that is' : 'those are'} ${down} already`,
            next: `mend ${down} first: reconcile status`,
          }
        : {
            why: `${waitingText(reason.waits)} would take down ${down} of group '${reason.group}' at a time, of which no more than ${reason.max} may be (\`maxUnavailable\`)`,
            next: `raise \`groups.${reason.group}.maxUnavailable\` in policy.yaml for it`,
          };
    }
    case 'gate':
      return {
        why: `${waitingText(reason.waits)} waits since ${time(reason.since)} for its gate (${reason.gate}): ${reason.why}`,
        next: GATE[reason.otherwise](reason.until),
      };
    case 'breaker':
      return {
        why: `${waitingText(reason.waits)} is only told${until(reason.until)}: ${reason.why}`,
        next: 'mend what keeps restarting (reconcile status); to go on at once: reconcile release --breaker',
      };
    case 'hold':
      return {
        why: reason.stays
          ? `left alone by ${reason.by}: ${reason.why}; the time for that is over, but it has a gate: a person has to say that it goes on`
          : `left alone${until(reason.until)} by ${reason.by}: ${reason.why}`,
        next: `to go on: reconcile release ${service}`,
      };
    case 'stopped-for':
      return {
        why: `stopped at ${time(reason.at)} since its probe ${reason.probe} failed: ${reason.why}`,
        next: `mend it, then: reconcile start ${service}`,
      };
    case 'quarantined':
      return {
        why: `${reason.commit} is not applied to it since ${time(reason.at)}: ${reason.why}; ${insteadOf(reason)}`,
        next: `mend it and commit: the next commit is tried; to try this one again: ${reason.to === undefined ? 'reconcile retry' : `reconcile start ${service.split('@')[0]}`}`,
      };
    default:
      return unreachable(reason);
  }
}

/** What comes of a gate that does not pass. */
const GATE: Readonly<Record<'wait' | 'ask' | 'proceed', (end: number | undefined) => string>> = {
  wait: () => 'it is tried again and again; to have it done all the same: reconcile --override REASON',
  ask: (end) => `it is tried again and again${end === undefined ? '' : `, and a person is asked at ${time(end)}`}`,
  proceed: (end) => `it is tried again and again${end === undefined ? '' : `, and done all the same at ${time(end)}`}`,
};

/** Who it was is told where anything shows it. */
export function driftText(what: DriftKind, by = 'somebody'): string {
  return `${by} ${DRIFT[what]}`;
}

const DRIFT: Readonly<Record<DriftKind, string>> = {
  stopped: 'stopped it',
  started: 'started it',
  edited: 'edited its files',
  removed: 'removed its files',
  enabled: 'enabled it at boot',
  disabled: 'disabled it at boot',
  blocked: 'masked it',
  unblocked: 'took away what keeps it from being started',
};

/** What is wrong, behind the place where it is. */
export function placed({ at, summary }: Problem): string {
  return at === undefined ? summary : `${at.file}:${at.line}: ${summary}`;
}

function insteadOf({ to, left }: QuarantineHold): string {
  if (left) return 'it is left as it is';
  return to === undefined ? 'it is not there, as before' : `it is as at ${to}`;
}

function isOf(id: string, name: string): boolean {
  return id === name || id.startsWith(`${name}@`);
}

/** What lifts it. */
export function unfreeze(name: string): string {
  return name === '*' ? 'reconcile unfreeze' : `reconcile unfreeze ${name.includes('*') ? `'${name}'` : name}`;
}

export function until(ms: number | undefined): string {
  return ms === undefined ? '' : ` until ${time(ms)}`;
}

export function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
