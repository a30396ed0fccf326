import { type Openings, openingsOf } from '../desired/cron.ts';
import type { PolicyFile, Window } from '../desired/generated/policy.ts';
import type { Subject } from '../planner/control.ts';
import { parseDuration } from '../units.ts';
import { appliesTo } from './names.ts';

/** Why changes wait: what for, and until when, as far as that can be told (ms since the epoch). */
export interface Shut {
  readonly why: string;
  readonly until?: number;
}

export interface Windows {
  /** Why a service may not be changed now; undefined where it may. */
  shut(service: Subject): Shut | undefined;
  /** When the first of all windows opens or shuts next. */
  next(): number | undefined;
}

/** So many openings that run into each other are looked at: those of each minute of a day. Where more do, no end is in sight. */
const RUNS = 1500;
/** So many times between two changes of a window are remembered. */
const KNOWN = 8;
/** So many times that a window opens or shuts are looked at, to find the one from which on changes may be made. */
const TURNS = 100;

type Kind = 'allow' | 'deny';

/** What the windows of a policy say at a time. */
export function openWindows({ allow = [], deny = [] }: NonNullable<PolicyFile['windows']>, now: number): Windows {
  const all = [...allow.map((window) => timesOf(window, 'allow')), ...deny.map((window) => timesOf(window, 'deny'))];
  const known = new Map<string, Shut | undefined>();
  return {
    shut: (service) => {
      const own = all.filter(({ window }) => window.services === undefined || appliesTo(window.services, service));
      const key = own.map((times) => all.indexOf(times)).join();
      if (!known.has(key)) known.set(key, shutBy(own, now));
      return known.get(key);
    },
    next: () => earliest(all.map((times) => times.change(now))),
  };
}

interface Times {
  readonly kind: Kind;
  readonly window: Window;
  isOpen(at: number): boolean;
  /** When it opens or shuts next; undefined where it is as it is for good. */
  change(at: number): number | undefined;
}

const known = new WeakMap<Window, Times>();

/** Of one window, at any time. The same window gives the same object: a daemon asks again and again. */
function timesOf(window: Window, kind: Kind): Times {
  const made = known.get(window) ?? timesAnew(window, kind);
  known.set(window, made);
  return made;
}

function timesAnew(window: Window, kind: Kind): Times {
  const openings = openingsOf(window);
  const long = parseDuration(window.duration) ?? 0;
  let found: readonly Span[] = [];
  const look = (at: number): Span => {
    const known = found.find(({ from, to }) => at >= from && at < to);
    if (known !== undefined) return known;
    const span = spanAt(openings, long, at);
    found = [span, ...found].slice(0, KNOWN);
    return span;
  };
  return {
    kind,
    window,
    isOpen: (at) => look(at).open,
    change: (at) => {
      const { to } = look(at);
      return Number.isFinite(to) ? to : undefined;
    },
  };
}

/** Between two changes; without an end where none is in sight. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly open: boolean;
}

function spanAt(openings: Openings, long: number, at: number): Span {
  const began = openings.notAfter(at);
  if (began === undefined || began + long <= at)
    return { from: at, to: openings.after(at) ?? Number.POSITIVE_INFINITY, open: false };
  let to = began + long;
  // What opens again while it is open, or just as it shuts, stays so.
  let next = openings.after(began);
  for (let i = 0; next !== undefined && next <= to; i += 1) {
    if (i === RUNS) return { from: began, to: Number.POSITIVE_INFINITY, open: true };
    to = next + long;
    next = openings.after(next);
  }
  return { from: began, to, open: true };
}

function shutBy(all: readonly Times[], now: number): Shut | undefined {
  const denied = all.find(({ kind, isOpen }) => kind === 'deny' && isOpen(now));
  if (denied === undefined && mayAt(all, now)) return undefined;
  const allowing = all.filter(({ kind }) => kind === 'allow');
  const [only] = allowing;
  const why =
    denied !== undefined
      ? (denied.window.reason ?? `no changes from \`${denied.window.cron}\` on, for ${denied.window.duration}`)
      : allowing.length === 1 && only !== undefined
        ? `changes are made ${only.window.reason ?? `from \`${only.window.cron}\` on, for ${only.window.duration}`}`
        : `changes are made in ${allowing.length} windows, and none of them is open`;
  const until = opensAfter(all, now);
  return { why, ...(until === undefined ? {} : { until }) };
}

function mayAt(all: readonly Times[], at: number): boolean {
  if (all.some(({ kind, isOpen }) => kind === 'deny' && isOpen(at))) return false;
  const allowing = all.filter(({ kind }) => kind === 'allow');
  return allowing.length === 0 || allowing.some(({ isOpen }) => isOpen(at));
}

function opensAfter(all: readonly Times[], now: number): number | undefined {
  let at: number | undefined = now;
  for (let i = 0; i < TURNS && at !== undefined; i += 1) {
    const from: number = at;
    at = earliest(all.map(({ change }) => change(from)));
    if (at !== undefined && mayAt(all, at)) return at;
  }
  return undefined;
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const some = times.filter((time) => time !== undefined);
  return some.length === 0 ? undefined : Math.min(...some);
}
