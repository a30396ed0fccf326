import type { Actual, Exit, Level, Service, UnreadableObject } from '../model.ts';
import { unreachable } from '../problem.ts';
import type { ProbeState } from './health.ts';

/** What its run alone says of how a service is. */
export type Life =
  /** It does not run, and is not meant to. */
  | { readonly kind: 'idle'; readonly why: string; readonly since?: number }
  /** It has done what it was there for, and ended. */
  | { readonly kind: 'done' }
  /** On its way from one to another, or it can't be read: nothing is known, and nothing has changed. */
  | { readonly kind: 'between' }
  | { readonly kind: 'up' }
  /** It should run and does not. `since`: ms since the epoch, where that is known. `returns`: it is tried again by itself. */
  | { readonly kind: 'down'; readonly why: string; readonly since?: number; readonly returns?: true };

/** What is known of a service's object: `unread` where its supervisor could not be read. */
export type Found = Actual | UnreadableObject | 'unread' | undefined;

export function lifeOf(service: Service, found: Found): Life {
  if (service.state !== 'running' && service.state !== 'manual') return { kind: 'idle', why: 'it is not to run' };
  if (found === 'unread' || found?.kind === 'unreadable') return BETWEEN;
  // Nobody is to make it yet: where it runs now is another's affair.
  if (found === undefined && service.written.mode === 'observe')
    return { kind: 'idle', why: 'nothing is done about it: `mode: observe`' };
  if (found === undefined) return ended(service, 'it is not there');
  if (found.owner.kind === 'foreign' && !found.owner.superseded)
    return ended(service, `what has this name belongs to '${found.owner.owner}'`);
  const { run } = found;
  switch (run.kind) {
    case 'running':
      return { kind: 'up' };
    case 'starting':
    case 'stopping':
      return BETWEEN;
    case 'stopped':
      if (service.state === 'running' && !service.autostart && !run.started)
        return { kind: 'idle', why: 'it waits for a first start' };
      return ended(service, run.stoppedWith === undefined ? 'it is stopped' : `stopped with ${run.stoppedWith}`);
    case 'backoff':
      return returning(ended(service, `it ended with ${exitText(run.exit)}, and is to be started again`));
    case 'exited':
      return exited(service, run.exit, run.at);
    case 'fatal':
      return ended(service, `FATAL: ${run.reason}`, run.at);
    case 'held':
      return returning(ended(service, `HELD: ${run.reason}`));
    default:
      return unreachable(run);
  }
}

/** A change of state as the embedded supervisor tells it, by the names of its states. */
export interface StateChange {
  readonly to: string;
  readonly exit?: Exit;
  readonly reason?: string;
}

/**
 * The same from what is told as it happens. STOPPED is not yet a verdict on what should run: the next step of an apply
 * may start it, and if none does, the next look says so.
 */
export function lifeAfter(service: Service, { to, exit, reason }: StateChange, now: number): Life {
  if (service.state !== 'running' && service.state !== 'manual') return { kind: 'idle', why: 'it is not to run' };
  switch (to) {
    case 'RUNNING':
      return { kind: 'up' };
    case 'EXITED':
      return exited(service, exit ?? { kind: 'unknown' }, now);
    case 'BACKOFF':
      return returning(ended(service, reason ?? `it ended with ${exitText(exit)}, and is to be started again`, now));
    case 'HELD':
      return returning(ended(service, `HELD: ${reason ?? exitText(exit)}`, now));
    case 'FATAL':
      return ended(service, `FATAL: ${reason ?? exitText(exit)}`, now);
    case 'STOPPED':
      return service.state === 'running' ? BETWEEN : { kind: 'idle', why: 'it is stopped', since: now };
    default:
      return BETWEEN;
  }
}

const BETWEEN: Life = { kind: 'between' };

function ended({ state }: Service, why: string, since?: number): Life {
  return { kind: state === 'running' ? 'down' : 'idle', why, ...(since === undefined ? {} : { since }) };
}

function returning(life: Life): Life {
  return life.kind === 'down' ? { ...life, returns: true } : life;
}

/** With a code other than 0 nothing was done that anybody could rely on, whether or not that lets it be started again. */
function exited(service: Service, exit: Exit, at: number): Life {
  const { restart, unit } = service.written;
  const policy = restart?.policy ?? (unit === undefined ? 'always' : 'on-failure');
  const well = exit.kind === 'unknown' || (exit.kind === 'code' && exit.code === 0);
  return well && policy !== 'always' ? { kind: 'done' } : ended(service, `it ended with ${exitText(exit)}`, at);
}

function exitText(exit: Exit | undefined): string {
  if (exit === undefined || exit.kind === 'unknown') return 'an unknown exit';
  return exit.kind === 'code' ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}

/** From best to worst. */
export const LEVELS: readonly Level[] = ['HEALTHY', 'DEGRADED', 'CRITICAL', 'DEAD'];

const RANK: Readonly<Record<Level, number>> = { HEALTHY: 0, DEGRADED: 1, CRITICAL: 2, DEAD: 3 };

export function isWorse(one: Level, other: Level): boolean {
  return RANK[one] > RANK[other];
}

export function worst(levels: Iterable<Level | undefined>): Level | undefined {
  let found: Level | undefined;
  for (const level of levels) if (level !== undefined && (found === undefined || isWorse(level, found))) found = level;
  return found;
}

/** `open`: there is one, but what it is now nobody can say. Undefined: it has none. */
export type Raw = Level | 'open' | undefined;

export interface Judged {
  readonly life: Life;
  /** None where it has none, or they are not watched yet. */
  readonly probes: readonly ProbeState[];
  /** It has probes. */
  readonly isProbed: boolean;
  /** What its own probes say is put down to something that it depends on: it is DEGRADED by that, and no more. */
  readonly isExcused: boolean;
  /** It lacks something that it can do nothing without: DEGRADED, whatever its own probes say. */
  readonly isLacking: boolean;
}

const OF_PROBE = { degraded: 'DEGRADED', critical: 'CRITICAL', dead: 'DEAD' } as const;

/** The level by what is known at this moment, without regard to what it was. */
export function rawLevel({ life, probes, isProbed, isExcused, isLacking }: Judged): Raw {
  switch (life.kind) {
    case 'idle':
    case 'done':
      return undefined;
    case 'down':
      return 'DEAD';
    case 'between':
    case 'up': {
      const failing = probes.filter(({ verdict }) => verdict.kind === 'failing');
      const levels = failing.map(({ probe }) =>
        isExcused && probe.about === 'self' ? 'DEGRADED' : OF_PROBE[probe.level],
      );
      const level = worst([...levels, isLacking ? 'DEGRADED' : undefined]);
      if (level !== undefined) return level;
      if (life.kind === 'between' || (isProbed && probes.length === 0)) return 'open';
      return probes.some(({ verdict }) => verdict.kind === 'unknown') ? 'open' : 'HEALTHY';
    }
    default:
      return unreachable(life);
  }
}

/*
 * Getting worse is believed at once, for a probe has counted its failures already. Getting better is believed when it has
 * been better for `dwell`: then the level is the worst that was seen in that time, and the next dwell begins.
 *
 *            a level                      better than the level
 *   none ───────────────> steady ────────────────────────────────────> better
 *    ^                   ^  │  ^                                        │ │ │
 *    │                   └──┘  │  as bad again, worse, or nobody knows  │ │ │
 *    │             worse       ├────────────────────────────────────────┘ │ │
 *    │                         └──────────────────────────────────────────┘ │
 *    │                            better for `dwell`: the worst seen in it  │
 *    └──────────── has none ────────────────────────────────────────────────┘ (from steady too)
 */
export type Standing =
  | { readonly kind: 'none' }
  | { readonly kind: 'steady'; readonly level: Level }
  /** `from`: ms, since when it is better. `seen`: the worst since then. */
  | { readonly kind: 'better'; readonly level: Level; readonly from: number; readonly seen: Level };

export const NONE: Standing = { kind: 'none' };

export function levelOf(standing: Standing): Level | undefined {
  return standing.kind === 'none' ? undefined : standing.level;
}

/** When the level changes by itself, `raw` staying as it is; undefined where it does not. */
export function dueAt(standing: Standing, dwell: number): number | undefined {
  return standing.kind === 'better' ? standing.from + dwell : undefined;
}

/** Pure. `now` and `dwell` in ms; what was due before now has then been so until now. */
export function nextStanding(before: Standing, raw: Raw, dwell: number, now: number): Standing {
  if (raw === undefined) return NONE;
  const due = dueAt(before, dwell);
  const isOver = before.kind === 'better' && due !== undefined && now >= due;
  const standing: Standing = isOver ? { kind: 'steady', level: before.seen } : before;
  if (raw === 'open') return standing.kind === 'better' ? { kind: 'steady', level: standing.level } : standing;
  if (standing.kind === 'none' || !isWorse(standing.level, raw)) return { kind: 'steady', level: raw };
  const { level } = standing;
  const [from, seen] = standing.kind === 'better' ? [standing.from, worst([standing.seen, raw]) ?? raw] : [now, raw];
  return dwell > 0 ? { kind: 'better', level, from, seen } : { kind: 'steady', level: raw };
}
