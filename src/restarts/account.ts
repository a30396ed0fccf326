import type { Limit } from './window.ts';

/*
 * May a service be restarted? One machine for all supervisors, and for restarts of every cause.
 *
 *                    it ended; not for the first time             due: a restart
 *        ┌─────────────────────────────────────────────> waiting ───────────────┐
 *        │    <──────────────────────────────────────────────────────────────────┘
 *      closed                                               │ due, and no room by now
 *        │    one more than its limit, its group's          v
 *        ├──────────── or the host's lets it ───────────> open ────────────────┐
 *        │                                                  ^                  │ due (after its cooldown, and once
 *        │                      it ended before that,       │                  │ group and host have room): one start
 *        │                      or is restarted again       │                  v
 *        │    <───────────────────────────────────────────────────────────── trial
 *        │                 up for so long that it counts as stable
 *        │
 *        └── what no restart can heal ──> permanent ── mended: what was missing is there again ──> closed, and a restart
 *
 * From all of them `renewed` (a person started it, or an apply for Git) leads to closed, with everything at zero. Stable uptime
 * ends a streak: the next wait is the first one again. What was restarted stays in the window until its time is over, whatever
 * happens meanwhile, and so no window ever holds more than its limit, but for the one trial after each cooldown; those of a group
 * and of the host not even for that.
 */
export type Standing =
  /** It is restarted when it ends. */
  | { readonly kind: 'closed' }
  /** It ended, and is restarted then. */
  | { readonly kind: 'waiting'; readonly until: number }
  /** HELD. `lives`: it runs all the same, and is not restarted. */
  | {
      readonly kind: 'open';
      readonly since: number;
      readonly until: number;
      readonly scope: Scope;
      readonly reason: string;
      readonly lives: boolean;
    }
  /** The one start after a cooldown; `reason` is why it was held. */
  | { readonly kind: 'trial'; readonly since: number; readonly scope: Scope; readonly reason: string }
  /** `missing`: until that is there. */
  | { readonly kind: 'permanent'; readonly since: number; readonly reason: string; readonly missing: boolean };

/** Whose limit it is. */
export type Scope = 'service' | 'group' | 'host';

/** What is known of the restarts of one service. Times are ms since the epoch, of a clock that never goes back. */
export interface Account {
  readonly standing: Standing;
  /** When it was restarted, as far as its window reaches; in order. */
  readonly recent: readonly number[];
  /** Times in a row that it was restarted, or is to be, without having been stable before. */
  readonly streak: number;
  /** When it was restarted last. */
  readonly last: number;
  /** Restarts since it was last `renewed`. */
  readonly restarts: number;
}

/** How often and how soon a service may be restarted. All times in milliseconds. */
export interface Pace {
  /** Up for so long, it is ready. */
  readonly ready: number;
  readonly backoff: { readonly initial: number; readonly factor: number; readonly max: number };
  readonly limit: Limit;
  readonly cooldown: number;
}

/** Who restarted it, or wants to. `foreign`: somebody else, with a command of his own. */
export type Cause = 'crash' | 'probe' | 'supervisor' | 'foreign';

export type Event =
  | { readonly kind: 'renewed' }
  /**
   * Its process is gone and it is to be started again. `failed`: before it was ready, the `failures`-th time in a row.
   * `ran`: how long (ms) it was up.
   */
  | {
      readonly kind: 'ended';
      readonly failed: boolean;
      readonly ran: number;
      readonly failures: number;
      readonly how: string;
    }
  /** A probe wants a living one restarted. */
  | { readonly kind: 'asked' }
  /** It was restarted, and nobody asked us. */
  | { readonly kind: 'seen'; readonly cause: 'supervisor' | 'foreign' }
  /** The time has come that it waited for; `trial`: it was held until then. */
  | { readonly kind: 'due'; readonly trial: boolean }
  /** It runs, though we did not start it. */
  | { readonly kind: 'runs' }
  | { readonly kind: 'hopeless'; readonly reason: string; readonly missing: boolean }
  | { readonly kind: 'mended' };

/** `wait`: the restart is due in so many ms, and counts once it is. */
export type Verdict =
  | { readonly kind: 'granted'; readonly wait: number }
  | { readonly kind: 'refused'; readonly scope: Scope; readonly until: number; readonly why: string };

export type Refusal = Extract<Verdict, { readonly kind: 'refused' }>;

export interface Around {
  /** From 0 to 1. */
  readonly random: number;
  /** What the group or the host says to one restart more. */
  readonly wider: Refusal | undefined;
}

export interface Answer {
  readonly account: Account;
  readonly verdict: Verdict;
}
