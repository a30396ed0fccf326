import { unreachable } from '../problem.ts';

/*
 * Whether the daemon acts at all on this host, after too many restarts of all services together.
 *
 *              a restart more than the host's budget lets it
 *     closed ────────────────────────────────────────────────> open: only observes, restarts nothing
 *        ^                                                       │    ^
 *        │ a cooldown without one                                │    │ one more than the budget
 *        └──────────────────────── trial: acts again <───────────┘    │
 *                                     │           after its cooldown  │
 *                                     └───────────────────────────────┘
 *
 * From both `released` (a person said so) leads to closed.
 */
export type Breaker =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly since: number; readonly until: number; readonly why: string }
  | { readonly kind: 'trial'; readonly since: number; readonly until: number; readonly why: string };

export const CLOSED: Breaker = { kind: 'closed' };

/** A restart was one too many. Times in ms since the epoch. */
export function tripped(breaker: Breaker, why: string, cooldown: number, now: number): Breaker {
  return breaker.kind === 'open' ? breaker : { kind: 'open', since: now, until: now + cooldown, why };
}

/** What has become of it by time alone; a clock that was set back makes it last no longer. */
export function breakerAt(given: Breaker, cooldown: number, now: number): Breaker {
  const tooLong = given.kind !== 'closed' && given.until > now + cooldown;
  const breaker = tooLong ? { ...given, until: now + cooldown } : given;
  switch (breaker.kind) {
    case 'closed':
      return breaker;
    case 'open': {
      const { until, why } = breaker;
      return now < until
        ? breaker
        : breakerAt({ kind: 'trial', since: until, until: until + cooldown, why }, cooldown, now);
    }
    case 'trial':
      return now < breaker.until ? breaker : CLOSED;
    default:
      return unreachable(breaker);
  }
}
