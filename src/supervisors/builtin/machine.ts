import type { Exit } from '../../model.ts';
import { unreachable } from '../../problem.ts';
import { exitText } from '../shared/exit.ts';
import { permanentText } from '../shared/held.ts';
import type { Rules } from '../shared/settings.ts';

/*
 * The life of one service. Names are supervisord's, and HELD. Whether and when it is started again after an end is not for this
 * machine to say: it asks (`Ask`), and goes on as it is answered (src/restarts/machine.ts).
 *
 *              start                    up for start.ready
 *   STOPPED ----------->  STARTING  -------------------------->  RUNNING
 *      ^                   ^ |  |                                  | |
 *      |                   | |  | ended       ended: the exit is   | |
 *      |                   | |  |             allowed              | |
 *      |                   | |  +-------> EXITED <-----------------+ |
 *      |                   | |                                       |
 *      |                   | |  ended, and what is to come of it     |
 *      |                   | |  was asked:                           |
 *      |       timer: asks | +---------> BACKOFF <-------------------+   (`restart`: STARTING at once)
 *      |       once more   +---------------+ |                       |
 *      |                   +-- HELD <--------+-----------------------+   (`hold`: its budget is spent, or another's)
 *      |                   |
 *      |                   +-- FATAL   ended too often in a row before ready, or as no restart can heal;
 *      |                   |           `mended` leads back to STARTING where something was missing
 *      |                   |
 *      +--- STOPPING <-----+--- stop, from STARTING and RUNNING; from all others straight to STOPPED
 *           ended: all of it is gone       (start leads from all but RUNNING and STOPPING to STARTING)
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
  /** `missing`: it is started again once that is there. */
  | {
      readonly name: 'FATAL';
      readonly at: number;
      readonly exit: Exit;
      readonly reason: string;
      readonly missing?: true | undefined;
    }
  | { readonly name: 'HELD'; readonly until: number; readonly exit: Exit; readonly reason: string };

export interface Machine {
  readonly state: State;
  /** Starts in a row that ended before ready. */
  readonly failures: number;
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
  | { readonly kind: 'timer' }
  /** What was asked for a moment ago, in this very state. */
  | { readonly kind: 'answer'; readonly ask: Ask; readonly answer: Answer }
  /** It is down, and as long as something is missing no start can go well; that is there again. */
  | { readonly kind: 'hopeless'; readonly reason: string }
  | { readonly kind: 'mended' };

/** `signal`: ask it to stop. `kill`: all of it, at once. */
export type Effect = 'spawn' | 'signal' | 'kill';

/** What is to come of it now that it is down, and policy wants it up. */
export type Ask =
  /** `ran`: how long (ms) it was up. */
  | {
      readonly kind: 'ended';
      readonly exit: Exit;
      readonly failed: boolean;
      readonly failures: number;
      readonly ran: number;
      readonly how: string;
    }
  /** What it waited for has come; `trial`: it was HELD. */
  | { readonly kind: 'due'; readonly exit: Exit; readonly trial: boolean }
  | { readonly kind: 'mended'; readonly exit: Exit };

export type Answer =
  | { readonly kind: 'restart'; readonly trial: boolean }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'hold'; readonly ms: number; readonly reason: string }
  /** A person wants it left alone: it stays down, and whoever plans starts it once that is over. */
  | { readonly kind: 'leave' };

export interface Transition {
  readonly machine: Machine;
  readonly effect?: Effect;
  readonly ask?: Ask;
}

export const NEW: Machine = { state: { name: 'STOPPED' }, failures: 0 };

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
    case 'answer':
      return answered(machine, input, now);
    case 'hopeless': {
      if (state.name !== 'BACKOFF' && state.name !== 'HELD' && state.name !== 'FATAL') return { machine };
      return to(machine, { name: 'FATAL', at: now, exit: state.exit, reason: input.reason, missing: true });
    }
    case 'mended':
      if (state.name !== 'FATAL' || !state.missing) return { machine };
      return { machine: { ...machine, failures: 0 }, ask: { kind: 'mended', exit: state.exit } };
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
      return { machine, ask: { kind: 'due', exit: state.exit, trial: false } };
    case 'HELD':
      return { machine: { ...machine, failures: 0 }, ask: { kind: 'due', exit: state.exit, trial: true } };
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
  const how = why ?? exitText(exit);
  if (why === undefined && isPermanent(exit, rules)) {
    return to({ ...machine, failures: 0 }, { name: 'FATAL', at: now, exit, reason: permanentText(exit) });
  }
  if (why === undefined && allowed(exit, rules.policy, failed)) return to(machine, { name: 'EXITED', at: now, exit });

  const failures = failed ? machine.failures + 1 : 0;
  const after: Machine = { ...machine, failures };
  // What failed in its one trial is held again: it has been given up once already.
  if (failures > rules.retries && !(failed && state.trial)) {
    const times = failures === 1 ? 'once' : `${failures} times in a row`;
    return to(after, { name: 'FATAL', at: now, exit, reason: `could not be started, tried ${times}: ${how}` });
  }
  return { machine: after, ask: { kind: 'ended', exit, failed, failures, ran: Math.max(0, now - state.since), how } };
}

function answered(machine: Machine, { ask, answer }: Extract<Input, { kind: 'answer' }>, now: number): Transition {
  const { exit } = ask;
  switch (answer.kind) {
    case 'restart':
      return { ...to(machine, starting(now, answer.trial)), effect: 'spawn' };
    case 'wait':
      return to(machine, { name: 'BACKOFF', until: now + answer.ms, exit });
    case 'hold':
      return to(machine, { name: 'HELD', until: now + answer.ms, exit, reason: answer.reason });
    case 'leave':
      return to(machine, { name: 'EXITED', at: now, exit });
    default:
      return unreachable(answer);
  }
}

export function isPermanent(exit: Exit, { permanent }: Pick<Rules, 'permanent'>): boolean {
  return exit.kind === 'code' && permanent.includes(exit.code);
}

/** A failed start is never an allowed exit, unless it ended well. */
function allowed(exit: Exit, policy: Rules['policy'], failed: boolean): boolean {
  if (policy === 'always') return false;
  return (exit.kind === 'code' && exit.code === 0) || (policy === 'never' && !failed);
}

function starting(now: number, trial: boolean): State {
  return { name: 'STARTING', since: now, up: false, trial };
}

function to(machine: Machine, state: State): Transition {
  return { machine: { ...machine, state } };
}
