import { unreachable } from '../problem.ts';
import { formatDuration } from '../units.ts';
import type { Account, Answer, Around, Event, Pace, Scope, Standing } from './account.ts';
import { counted } from './window.ts';

export const NEW: Account = { standing: { kind: 'closed' }, recent: [], streak: 0, last: 0, restarts: 0 };

/** Up for so long (ms) at least, it counts as well again. */
const STABLE = 10_000;
/** Waits differ by so much of themselves, so that what ended together is not started together. */
const JITTER = 0.1;
const FOR_EVER = Number.MAX_SAFE_INTEGER;

export function stableAfter({ ready }: Pick<Pace, 'ready'>): number {
  return Math.max(ready, STABLE);
}

/** Pure. What is refused changes no window. */
export function next(account: Account, event: Event, pace: Pace, now: number, around: Around): Answer {
  switch (event.kind) {
    case 'renewed':
      return granted(NEW);
    case 'hopeless': {
      const { reason, missing } = event;
      return refused(account, { kind: 'permanent', since: now, reason, missing });
    }
    case 'mended':
      return restart(closed(account), pace, now, around);
    case 'runs':
      return runs(account, now);
    case 'ended':
      return ended(account, event, pace, now, around);
    case 'asked':
      return asked(settled(account, pace, now), pace, now, around);
    case 'seen':
      return seen(settled(account, pace, now), event.cause, pace, now, around);
    case 'due':
      return due(account, event.trial, pace, now, around);
    default:
      return unreachable(event);
  }
}

/** With what has become so by time alone, where its process is known to have gone on. */
export function settled(account: Account, pace: Pace, now: number): Account {
  const { standing, streak, last } = account;
  const stable = stableAfter(pace);
  if (standing.kind === 'trial' && now - standing.since >= stable) return { ...closed(account), streak: 0 };
  if (standing.kind === 'closed' && streak > 0 && now - last >= stable) return { ...account, streak: 0 };
  // Nothing has asked for it again, in a time in which the whole window was forgotten.
  if (standing.kind === 'open' && standing.lives && now - standing.until >= pace.limit.within)
    return { ...closed(account), streak: 0 };
  return account;
}

function ended(account: Account, e: Extract<Event, { kind: 'ended' }>, pace: Pace, now: number, around: Around) {
  const { standing } = account;
  if (standing.kind === 'permanent') return refused(account, standing);
  if (standing.kind === 'open') {
    const down: Standing = { ...standing, lives: false };
    return now >= standing.until
      ? due({ ...account, standing: down }, true, pace, now, around)
      : refused(account, down);
  }
  const stable = !e.failed && e.ran >= stableAfter(pace);
  const streak = stable ? 0 : account.streak;
  const after: Account = { ...closed(account), streak: streak + 1 };
  if (standing.kind === 'trial' && !stable) {
    const what = e.failed ? 'the trial start failed' : `the trial ended after ${formatDuration(Math.round(e.ran))}`;
    return held(after, 'service', `${what}: ${e.how}`, pace, now);
  }
  const full = spent(after, pace, now, e.how, around);
  if (full !== undefined) return full;
  if (!e.failed && streak === 0) return restarted(after, pace, now);
  const wait = backoff(pace, e.failed ? e.failures - 1 : streak - 1, around.random);
  return {
    account: { ...after, standing: { kind: 'waiting', until: now + wait } },
    verdict: { kind: 'granted', wait },
  } as const;
}

function asked(account: Account, pace: Pace, now: number, around: Around): Answer {
  const { standing, streak, last } = account;
  switch (standing.kind) {
    case 'permanent':
      return refused(account, standing);
    case 'waiting':
      return { account, verdict: soon(standing.until) };
    case 'open':
      return now < standing.until ? refused(account, standing) : due(account, true, pace, now, around);
    case 'trial':
      return held(account, 'service', 'the trial did not make it well', pace, now, true);
    case 'closed': {
      const full = spent(account, pace, now, 'a probe fails', around, true);
      if (full !== undefined) return full;
      const from = streak === 0 ? now : last + backoff(pace, streak - 1, around.random);
      if (now < from) return { account, verdict: soon(from) };
      return restarted({ ...account, streak: streak + 1 }, pace, now);
    }
    default:
      return unreachable(standing);
  }
}

function soon(until: number): Answer['verdict'] {
  return { kind: 'refused', scope: 'service', until, why: 'it was restarted a moment ago' };
}

/** What somebody else does is for us neither to undo nor to allow: it counts where there is room, and holds ours back. */
function seen(account: Account, cause: 'supervisor' | 'foreign', pace: Pace, now: number, around: Around): Answer {
  const { standing } = account;
  const lives = cause === 'foreign';
  switch (standing.kind) {
    case 'permanent':
      return lives ? seen(closed(account), cause, pace, now, around) : refused(account, standing);
    case 'open':
      if (!lives && now < standing.until) return goingOn(refused(account, standing));
      return goingOn(due({ ...account, standing: { ...standing, lives } }, true, pace, now, around));
    case 'trial':
      return held(account, 'service', 'the trial did not last', pace, now, lives);
    case 'waiting':
    case 'closed': {
      const full = spent(account, pace, now, cause === 'foreign' ? 'by somebody' : 'by its supervisor', around, lives);
      return full === undefined
        ? restarted({ ...closed(account), streak: account.streak + 1 }, pace, now)
        : goingOn(full);
    }
    default:
      return unreachable(standing);
  }
}

/** What is held for the whole host is not stopped for that. */
function goingOn(answer: Answer): Answer {
  const { standing } = answer.account;
  if (standing.kind !== 'open' || standing.scope !== 'host') return answer;
  return { ...answer, account: { ...answer.account, standing: { ...standing, lives: true } } };
}

function runs(account: Account, now: number): Answer {
  const { standing } = account;
  if (standing.kind === 'permanent') return granted(closed(account));
  if (standing.kind !== 'open' || standing.lives) return granted(account);
  const { scope, reason } = standing;
  return granted({ ...account, standing: { kind: 'trial', since: now, scope, reason } });
}

function due(account: Account, trial: boolean, pace: Pace, now: number, { wider, ...around }: Around): Answer {
  const { standing } = account;
  if (standing.kind === 'permanent') return refused(account, standing);
  if (!trial && (standing.kind === 'closed' || standing.kind === 'waiting')) {
    return restart(closed(account), pace, now, { wider, ...around });
  }
  const before = 'reason' in standing ? standing : { scope: 'service' as const, reason: 'restarted too often' };
  const lives = standing.kind === 'open' && standing.lives;
  if (wider !== undefined) return held(account, wider.scope, wider.why, pace, now, lives, wider.until);
  const tried: Standing = { kind: 'trial', since: now, scope: before.scope, reason: before.reason };
  const answer = restarted(account, pace, now);
  return { ...answer, account: { ...answer.account, standing: tried } };
}

function restart(account: Account, pace: Pace, now: number, around: Around): Answer {
  return spent(account, pace, now, undefined, around) ?? restarted(account, pace, now);
}

/** Held, where one restart more is too many; undefined where it is not. */
function spent(
  account: Account,
  pace: Pace,
  now: number,
  how: string | undefined,
  { wider }: Around,
  lives = false,
): Answer | undefined {
  const { limit } = pace;
  const last = how === undefined ? '' : `, last: ${how}`;
  const { length } = counted(account.recent, limit, now);
  if (length >= limit.restarts) {
    const reason = `restarted ${length} times within ${formatDuration(limit.within)}${last}`;
    return held(account, 'service', reason, pace, now, lives);
  }
  if (wider === undefined) return undefined;
  return held(account, wider.scope, `${wider.why}${last}`, pace, now, lives, wider.until);
}

/** The host's own time is the same for all; a group's has to come besides the cooldown. */
function held(
  account: Account,
  scope: Scope,
  reason: string,
  { cooldown }: Pace,
  now: number,
  lives = false,
  from = now,
): Answer {
  const until = scope === 'host' && from > now ? from : Math.max(now + cooldown, from);
  return refused(account, { kind: 'open', since: now, until, scope, reason, lives });
}

function refused(account: Account, standing: Extract<Standing, { kind: 'open' | 'permanent' }>): Answer {
  const { reason: why } = standing;
  const [scope, until] = standing.kind === 'open' ? [standing.scope, standing.until] : ['service' as const, FOR_EVER];
  return { account: { ...account, standing }, verdict: { kind: 'refused', scope, until, why } };
}

function restarted(account: Account, { limit }: Pace, now: number): Answer {
  const recent = [...counted(account.recent, limit, now), now];
  return granted({ ...closed(account), recent, last: now, restarts: account.restarts + 1 });
}

function granted(account: Account): Answer {
  return { account, verdict: { kind: 'granted', wait: 0 } };
}

function closed(account: Account): Account {
  return account.standing.kind === 'closed' ? account : { ...account, standing: { kind: 'closed' } };
}

/** ms. `random` spreads it by a tenth both ways; never more than the longest. */
export function backoff(
  { backoff: { initial, factor, max } }: Pick<Pace, 'backoff'>,
  n: number,
  random: number,
): number {
  // Beyond all numbers, nothing times that is no number at all.
  const wait = initial === 0 ? 0 : Math.min(initial * factor ** n, max);
  return Math.min(Math.round(wait * (1 + JITTER * (2 * random - 1))), max);
}
