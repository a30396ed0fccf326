import type { Finding } from './evidence.ts';

/**
 * Who has the last word on a service, as a state machine: two rounds of ours and theirs, and we stop.
 *
 *           acted               changed by others, within the window
 *  calm ──────────────> probation(0) ──────> probation(1) ──────> duel
 *   ^                       │  ^    acted again   │  ^  │           │
 *   │                       │  └──────────────────┘  └──┘           │
 *   │      window over      │         (the rounds stay)             │
 *   ├───────────────────────┘                                       │
 *   └───────────── ended: Git changed it, or a person asked ────────┘
 *
 * A round is whatever somebody else does that undoes what we wanted: its process ended, or was replaced, though its
 * supervisor did not restart it by itself; or it came up though we had stopped it. It counts whether or not we have acted
 * in between: what is restarted every 2 s needs no help of ours. A crash that its supervisor mends never counts, however
 * often: that is for budgets.
 */
export type Rounds =
  | { readonly kind: 'calm' }
  | {
      readonly kind: 'probation';
      readonly wanted: Wanted;
      /** Milliseconds since the epoch. */
      readonly until: number;
      readonly rounds: number;
      readonly since: number;
      readonly evidence: readonly Finding[];
    }
  | {
      readonly kind: 'duel';
      readonly rounds: number;
      readonly since: number;
      readonly until: number;
      readonly evidence: readonly Finding[];
    };

export type Wanted = 'running' | 'stopped';

export type RoundEvent =
  /** We have started, restarted or stopped it, and it is up (or gone): its own changes until then are no news. */
  | { readonly kind: 'acted'; readonly wanted: Wanted; readonly at: number }
  /**
   * Its main process is another, or none, than before, and not by us. `own`: its supervisor says that it has restarted it by
   * itself since (its count grew). `findings`: what is known of who did it, none where nothing is.
   */
  | {
      readonly kind: 'changed';
      readonly run: Wanted;
      readonly own: boolean;
      readonly at: number;
      readonly findings: readonly Finding[];
    }
  /** Git has changed it, or a person has asked for it: a new beginning. */
  | { readonly kind: 'ended' };

export const CALM: Rounds = { kind: 'calm' };

/** How often others may have the last word before it is left to them. */
export const ROUNDS = 2;
/** How long (ms) after an action of ours what others do counts as an answer to it. */
export const WINDOW = 60_000;
/** So many findings are kept: the last ones. */
const KEEP = 8;

/** What becomes of it. Pure. In a duel nothing but `ended` changes anything: whoever acts asks `mayAct` first. */
export function rounds(state: Rounds, event: RoundEvent, window = WINDOW): Rounds {
  if (event.kind === 'ended') return CALM;
  if (state.kind === 'duel') return state;
  const { at } = event;
  const open = state.kind === 'probation' && at <= state.until ? state : undefined;
  if (event.kind === 'acted') {
    const { rounds: before = 0, since = at, evidence = [] } = open ?? {};
    return { kind: 'probation', wanted: event.wanted, until: at + window, rounds: before, since, evidence };
  }
  if (open === undefined) return CALM;
  if (!isUndone(open.wanted, event)) return open;
  const evidence = merged(open.evidence, event.findings);
  const count = open.rounds + 1;
  if (count < ROUNDS) return { ...open, rounds: count, until: at + window, evidence };
  return { kind: 'duel', rounds: count, since: open.since, until: at, evidence };
}

/** What is known of one who did something twice is known once: as it was told last. */
function merged(before: readonly Finding[], now: readonly Finding[]): readonly Finding[] {
  const keys = new Set(now.map(keyOf));
  return [...before.filter((one) => !keys.has(keyOf(one))), ...now].slice(-KEEP);
}

function keyOf({ subject, kind, by, runs }: Finding): string {
  return JSON.stringify([subject, kind, by?.pid, by?.start, runs]);
}

/** May we act on it, or is it to be left alone? */
export function mayAct(state: Rounds): boolean {
  return state.kind !== 'duel';
}

function isUndone(wanted: Wanted, { run, own }: Extract<RoundEvent, { kind: 'changed' }>): boolean {
  // What its supervisor restarts by itself was not to be up by anybody's word but its own.
  return wanted === 'stopped' ? run === 'running' : !own;
}
