import type { Exit } from '../../model.ts';
import { unreachable } from '../../problem.ts';
import { formatDuration } from '../../units.ts';
import { exitText } from '../shared/exit.ts';
import type { Rules } from '../shared/settings.ts';

/*
 * The life of one service. Names are supervisord's, and HELD.
 *
 *              start                    up for start.ready
 *   STOPPED ----------->  STARTING  -------------------------->  RUNNING
 *      ^                   ^ |  |                                  | |
 *      |                   | |  | ended       ended: the exit is   | |
 *      |             timer | |  |             allowed              | |
 *      |                   | |  +-------> EXITED <-----------------+ |
 *      |                   | |  ended                         ended  |
 *      |                   | +---------> BACKOFF <-------------------+   (the first time: STARTING at once)
 *      |                   |  ended too        |                     |
 *      |                   |  often in a row   | ended, and the      |
 *      |                   |  before ready     | budget is spent     |
 *      |                   |      |            v                     |
 *      |                   |      v     timer: one trial             |
 *      |                   |    FATAL   <-- STARTING <-- HELD <------+
 *      |                   |
 *      +--- STOPPING <-----+--- stop, from STARTING and RUNNING; from all others straight to STOPPED
 *           ended: all of it is gone       (start leads from all but RUNNING and STOPPING to STARTING, all counters at zero)
 */
export type State =
  | { readonly name: 'STOPPED' }
  /** `up`: its process is there, since `since`. `trial`: the one start after a cooldown. */
  | { readonly name: 'STARTING'; readonly since: number; readonly up: boolean; readonly trial: boolean }
  | { readonly name: 'RUNNING'; readonly since: number }
  | { readonly name: 'BACKOFF'; readonly until: number; readonly exit: Exit }
  /** Killed at `until`, and then again every second until nothing is left. */
  | { readonly name: 'STOPPING'; readonly since: number; readonly until: number; readonly killed: boolean }
  | { readonly name: 'EXITED'; readonly at: number; readonly exit: Exit }
  | { readonly name: 'FATAL'; readonly at: number; readonly exit: Exit; readonly reason: string }
  | { readonly name: 'HELD'; readonly until: number; readonly exit: Exit; readonly reason: string };

export interface Machine {
  readonly state: State;
  /** Starts in a row that ended before ready. */
  readonly failures: number;
  /** Times in a row that it ended without having been up for long. */
  readonly streak: number;
  /** When it was restarted, as far as the limit's window reaches. */
  readonly recent: readonly number[];
  /** Restarts by supervision since the last `start`. */
  readonly restarts: number;
}

export type Input =
  /** An apply or a person wants it to run; to stop. */
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  /** Its process is there. */
  | { readonly kind: 'up' }
  /** Its process is gone, or could not be made (`why`). */
  | { readonly kind: 'ended'; readonly exit: Exit; readonly why?: string }
  /** The time of `deadline` has come. */
  | { readonly kind: 'timer' };

/** `signal`: ask it to stop. `kill`: all of it, at once. */
export type Effect = 'spawn' | 'signal' | 'kill';

export interface Transition {
  readonly machine: Machine;
  readonly effect?: Effect;
}

export const NEW: Machine = { state: { name: 'STOPPED' }, failures: 0, streak: 0, recent: [], restarts: 0 };

/** Up for so long, it counts as well again: the next restart is immediate. */
const STABLE = 10_000;
const KILL_AGAIN = 1000;

/** When the state changes by itself; undefined where it never does. */
export function deadline({ state }: Machine, rules: Rules): number | undefined {
  switch (state.name) {
    case 'STARTING':
      return state.up ? state.since + rules.ready : undefined;
    case 'BACKOFF':
    case 'HELD':
    case 'STOPPING':
      return state.until;
    case 'STOPPED':
    case 'RUNNING':
    case 'EXITED':
    case 'FATAL':
      return undefined;
    default:
      return unreachable(state);
  }
}

/** Pure; an input that means nothing in a state leaves it as it is. */
export function next(machine: Machine, input: Input, rules: Rules, now: number): Transition {
  const { state } = machine;
  switch (input.kind) {
    case 'start':
      if (state.name === 'STARTING' || state.name === 'RUNNING' || state.name === 'STOPPING') return { machine };
      return { machine: { ...NEW, state: starting(now, false) }, effect: 'spawn' };
    case 'stop':
      if (state.name === 'STOPPING' || state.name === 'STOPPED') return { machine };
      if (state.name !== 'STARTING' && state.name !== 'RUNNING') return to(machine, { name: 'STOPPED' });
      return {
        ...to(machine, { name: 'STOPPING', since: now, until: now + rules.stopTimeout, killed: false }),
        effect: 'signal',
      };
    case 'up':
      if (state.name !== 'STARTING' || state.up) return { machine };
      if (rules.ready === 0) return to({ ...machine, failures: 0 }, { name: 'RUNNING', since: now });
      return to(machine, { ...state, since: now, up: true });
    case 'ended':
      if (state.name === 'STOPPING') return to(machine, { name: 'STOPPED' });
      if (state.name !== 'STARTING' && state.name !== 'RUNNING') return { machine };
      return ended(machine, state, input, rules, now);
    case 'timer': {
      const due = deadline(machine, rules);
      return due === undefined || now < due ? { machine } : timer(machine, now);
    }
    default:
      return unreachable(input);
  }
}

function timer(machine: Machine, now: number): Transition {
  const { state } = machine;
  switch (state.name) {
    case 'STARTING':
      return to({ ...machine, failures: 0 }, { name: 'RUNNING', since: state.since });
    case 'BACKOFF':
      return restart(machine, now, false);
    case 'HELD':
      return restart({ ...machine, failures: 0 }, now, true);
    case 'STOPPING':
      return { ...to(machine, { ...state, until: now + KILL_AGAIN, killed: true }), effect: 'kill' };
    case 'STOPPED':
    case 'RUNNING':
    case 'EXITED':
    case 'FATAL':
      return { machine };
    default:
      return unreachable(state);
  }
}

function ended(
  machine: Machine,
  state: Extract<State, { name: 'STARTING' | 'RUNNING' }>,
  { exit, why }: Extract<Input, { kind: 'ended' }>,
  rules: Rules,
  now: number,
): Transition {
  const failed = state.name === 'STARTING';
  if (why === undefined && allowed(exit, rules.policy, failed)) return to(machine, { name: 'EXITED', at: now, exit });

  const stable = !failed && now - state.since >= Math.max(rules.ready, STABLE);
  const streak = stable ? 0 : machine.streak;
  const recent = machine.recent.filter((at) => at > now - rules.limit.within);
  const after: Machine = { ...machine, streak: streak + 1, failures: failed ? machine.failures + 1 : 0, recent };
  const how = why ?? exitText(exit);
  if (failed && state.trial) {
    return to(after, { name: 'HELD', until: now + rules.cooldown, exit, reason: `the trial start failed: ${how}` });
  }
  if (after.failures > rules.retries) {
    const times = after.failures === 1 ? 'once' : `${after.failures} times in a row`;
    return to(after, { name: 'FATAL', at: now, exit, reason: `could not be started, tried ${times}: ${how}` });
  }
  if (recent.length >= rules.limit.restarts) {
    const reason = `restarted ${recent.length} times within ${formatDuration(rules.limit.within)}, last: ${how}`;
    return to(after, { name: 'HELD', until: now + rules.cooldown, exit, reason });
  }
  if (!failed && streak === 0) return restart(after, now, false);
  const wait = backoff(rules, failed ? machine.failures : streak - 1);
  return to(after, { name: 'BACKOFF', until: now + wait, exit });
}

/** A failed start is never an allowed exit, unless it ended well. */
function allowed(exit: Exit, policy: Rules['policy'], failed: boolean): boolean {
  if (policy === 'always') return false;
  return (exit.kind === 'code' && exit.code === 0) || (policy === 'never' && !failed);
}

function backoff({ backoff: { initial, factor, max } }: Rules, n: number): number {
  return Math.min(initial * factor ** n, max);
}

function restart(machine: Machine, now: number, trial: boolean): Transition {
  const { recent, restarts } = machine;
  return {
    machine: { ...machine, state: starting(now, trial), recent: [...recent, now], restarts: restarts + 1 },
    effect: 'spawn',
  };
}

function starting(now: number, trial: boolean): State {
  return { name: 'STARTING', since: now, up: false, trial };
}

function to(machine: Machine, state: State): Transition {
  return { machine: { ...machine, state } };
}
