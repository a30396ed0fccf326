import { type Problem, unreachable } from '../problem.ts';
import { waitingText } from '../waiting.ts';
import type { DaemonEvent } from './event.ts';

type HeldReason = Extract<DaemonEvent, { kind: 'held' }>['reason'];

/** Is it as it was before, and not as Git says? */
export function isBack(reason: HeldReason): boolean {
  return reason.kind === 'quarantined' && reason.left !== true;
}

/** Why a service is left alone, in one line. */
export function heldText(reason: HeldReason): string {
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
    case 'pool':
      return `its instances can only be changed together, and not ${reason.others.join(', ')} now`;
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

/** A problem on one line, with where it is and what to do. */
export function flat(problem: Problem): string {
  const { at, file, summary, hint } = problem;
  const place = at === undefined ? (file === undefined ? '' : `${file}: `) : `${at.file}:${at.line}:${at.column}: `;
  return `${place}${summary}${hint === undefined ? '' : ` (${hint})`}`;
}
