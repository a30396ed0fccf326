import type { ServiceId } from '../model.ts';
import type { AlertKind, Change, Condition } from './alert.ts';
import { dueOf, type Entry, endOf, isForgotten, off, on, tell } from './machine.ts';

/**
 * All that is known of what is to be told: what was told, and what waits for its turn. What comes within a short time is
 * told together, and the more was told of one kind lately, the longer that time is. No I/O, no clock: times (ms) are given.
 */
export interface Book {
  /** It is so. False: that was known. */
  on(condition: Condition, now: number): boolean;
  /** It is over. `how`: how that was seen, where it was not just so. */
  off(key: string, now: number, how?: string): boolean;
  /** A service fails since something else does: that is told, and not the service. */
  waits(service: ServiceId, on: string, why: string, now: number): void;
  waitsNoMore(service: ServiceId, now: number): void;
  /** Those that are so as far as anybody knows, told or not. */
  current(): readonly Condition[];
  /** Of those, the ones that were so before the daemon began and that nobody has spoken of since. */
  doubtful(): readonly Doubt[];
  /** What is told now. `all`: also what would be told later, but for what may be over. */
  tell(now: number, all?: boolean): readonly Change[];
  /** When there is something to tell next, if nothing else happens. */
  next(now: number): number | undefined;
  save(): Saved;
}

export interface Doubt {
  readonly condition: Condition;
  /** The services that it was told to be about. */
  readonly about: readonly ServiceId[];
}

export interface Saved {
  readonly entries: readonly (readonly [key: string, entry: Entry])[];
  /** The services that each was last told to be about. */
  readonly about: readonly (readonly [key: string, services: readonly ServiceId[]])[];
}

/** ms. Once what covered an alert is over that may be over soon, too: it is given so long. */
const AFTERWARDS = 60_000;
/** So many are named of those that wait for one thing. */
const NAMED = 5;
/** ms. How long the first of a kind waits for others, */
const FIRST = 2000;
/** twice as long each time, up to this, */
const LONGEST = 60_000;
/** and as at first when nothing of the kind was told for so long. */
const CALM = 300_000;

/** Whoever knows these of a service need not be told that it is not well. */
const COVERS = ['down', 'drift', 'hold', 'duel'] as const satisfies readonly AlertKind[];

/** Not told when the daemon ended, since something else was: whoever knows whether it is still so says it once more. */
function isToldAnew(entry: Entry): boolean {
  return entry.state === 'rising' && (entry.condition.kind === 'health' || entry.condition.kind === 'dependency');
}

type Shown = Exclude<Entry, { readonly state: 'calm' }>;

export function createBook(saved: Saved = { entries: [], about: [] }): Book {
  const entries = new Map<string, Entry>(saved.entries.filter(([, entry]) => !isToldAnew(entry)));
  const abouts = new Map<string, readonly ServiceId[]>(saved.about);
  const doubts = new Set([...entries].flatMap(([key, { state }]) => (state === 'firing' ? [key] : [])));
  const causes = new Map<ServiceId, { readonly on: string; readonly why: string }>();
  /** What may have something to tell. */
  const pending = new Set([...entries].flatMap(([key, entry]) => (dueOf(entry) === undefined ? [] : [key])));
  /** By key: when what covered it was last over. */
  const uncovered = new Map<string, number>();
  /** When something was told lately, by kind. */
  const toldOf = new Map<AlertKind, readonly number[]>();

  const put = (key: string, entry: Entry) => {
    entries.set(key, entry);
    if (dueOf(entry) === undefined) pending.delete(key);
    else pending.add(key);
  };
  /** Nobody tells that it is over; of a hold it was known when it ends. */
  const ended = (key: string, entry: Entry, now: number) =>
    setOff(key, now, 'condition' in entry && entry.condition.kind === 'hold' ? undefined : 'it did not come again');
  const isOn = (key: string): boolean => {
    const entry = entries.get(key);
    return entry?.state === 'rising' || entry?.state === 'firing';
  };
  const setOn = (condition: Condition, now: number) => {
    const { key } = condition;
    const before = entries.get(key);
    const after = on(before, condition, now);
    put(key, after);
    return doubts.delete(key) || before?.state !== after.state || dueOf(before) !== dueOf(after);
  };
  const setOff = (key: string, now: number, how?: string) => {
    doubts.delete(key);
    const entry = entries.get(key);
    if (entry === undefined || entry.state === 'calm' || entry.state === 'falling') return false;
    put(key, off(entry, now, how));
    const { service, kind } = entry.condition;
    if (kind === 'verify' || COVERS.some((one) => one === kind)) uncovered.set(`health:${service}`, now);
    if (kind === 'health' || kind === 'down') uncovered.set(`dependency:${service}`, now);
    return true;
  };

  /** How long the first of a kind waits for others. */
  const patienceOf = (kind: AlertKind, now: number): number => {
    const lately = (toldOf.get(kind) ?? []).filter((at) => at > now - CALM && at <= now);
    toldOf.set(kind, lately);
    return Math.min(LONGEST, FIRST * 2 ** lately.length);
  };
  /** Another alert tells of it: its cause, or what is graver. What was told already is told to be over, too. */
  const isHidden = ({ state, condition }: Shown): boolean => {
    if (state === 'falling') return false;
    const { kind, service, key, lasts } = condition;
    switch (kind) {
      case 'health':
        return isCovered(service) || isWaiting(service);
      case 'down':
        return isUnderVerification(service) || isWaiting(service);
      case 'acted':
        return isWaiting(service);
      // Nothing comes of it but that it is not well.
      case 'verify':
        return lasts !== undefined && isUnwell(service);
      case 'dependency': {
        const cause = key.slice('dependency:'.length);
        return isUnwell(cause) && !isWaiting(cause);
      }
      default:
        return false;
    }
  };
  /** More is known of why it is not well than that. */
  const isCovered = (service: ServiceId | undefined): boolean =>
    COVERS.some((kind) => isOn(`${kind}:${service}`)) || isUnderVerification(service);
  const isWaiting = (service: ServiceId | undefined) => service !== undefined && causes.has(service);
  const isUnwell = (service: ServiceId | undefined) => isOn(`health:${service}`) || isOn(`down:${service}`);
  const isUnderVerification = (service: ServiceId | undefined): boolean => {
    const entry = entries.get(`verify:${service}`);
    return (
      entry !== undefined &&
      'condition' in entry &&
      isOn(`verify:${service}`) &&
      entry.condition.severity === 'critical'
    );
  };
  /** What waits for its turn, by kind. */
  const waitingByKind = () => {
    const all = new Map<AlertKind, { readonly key: string; readonly entry: Shown; readonly due: number }[]>();
    for (const key of pending) {
      const entry = entries.get(key);
      const due = entry === undefined ? undefined : dueOf(entry);
      if (entry === undefined || entry.state === 'calm' || due === undefined) pending.delete(key);
      else if (isHidden(entry)) {
        // What just happened is no news any more once what tells of it is over.
        if (entry.condition.lasts !== undefined) put(key, off(entry, entry.heard));
      } else {
        const { kind } = entry.condition;
        const over = entry.state === 'rising' ? uncovered.get(key) : undefined;
        const same = all.get(kind) ?? [];
        same.push({ key, entry, due: over === undefined ? due : Math.max(due, over + AFTERWARDS) });
        all.set(kind, same);
      }
    }
    return all;
  };

  const aboutOf = (key: string, { service }: Condition): readonly ServiceId[] =>
    abouts.get(key) ?? (service === undefined ? [] : [service]);
  const waiting = (cause: string) => [...causes].filter(([, { on }]) => on === cause).map(([service]) => service);
  const lookAt = (cause: string, why: string, now: number) => {
    const services = waiting(cause);
    const key = `dependency:${cause}`;
    if (services.length === 0) {
      setOff(key, now);
      return;
    }
    // All that have waited since it was so: what comes and goes one by one is one thing.
    const about = [...new Set([...(isOn(key) ? (abouts.get(key) ?? []) : []), ...services])];
    abouts.set(key, about);
    const more = about.length - NAMED;
    const names = `${about.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    setOn(
      {
        key,
        kind: 'dependency',
        // Those that run go on; what has ended for it is another matter.
        severity: services.some((service) => isOn(`down:${service}`)) ? 'critical' : 'warning',
        title: `${about.length} ${about.length === 1 ? 'service waits' : 'services wait'} for ${cause}: ${why}`,
        text: `${names}: not restarted for that`,
        hint: `mend ${cause}: what waits for it goes on by itself`,
      },
      now,
    );
  };

  return {
    on: setOn,
    off: setOff,
    waits: (service, cause, why, now) => {
      const before = causes.get(service);
      causes.set(service, { on: cause, why });
      if (before !== undefined && before.on !== cause) lookAt(before.on, before.why, now);
      lookAt(cause, why, now);
    },
    waitsNoMore: (service, now) => {
      const before = causes.get(service);
      if (before === undefined) return;
      causes.delete(service);
      uncovered.set(`health:${service}`, now);
      lookAt(before.on, before.why, now);
    },
    current: () =>
      [...entries.values()].flatMap((entry) =>
        entry.state === 'rising' || entry.state === 'firing' ? [entry.condition] : [],
      ),
    doubtful: () =>
      [...doubts].flatMap((key) => {
        const entry = entries.get(key);
        if (entry === undefined || entry.state === 'calm') return [];
        return [{ condition: entry.condition, about: aboutOf(key, entry.condition) }];
      }),
    tell: (now, all = false) => {
      for (const [key, entry] of entries) {
        if ((endOf(entry) ?? Number.POSITIVE_INFINITY) <= now) ended(key, entry, now);
        else if (isForgotten(entry, now)) entries.delete(key);
      }
      for (const [key, at] of uncovered) if (at < now - AFTERWARDS) uncovered.delete(key);
      const changes: Change[] = [];
      for (const [kind, waiting] of waitingByKind()) {
        const first = waiting.reduce((least, { due }) => Math.min(least, due), Number.POSITIVE_INFINITY);
        if (!all && first + patienceOf(kind, now) > now) continue;
        const told = waiting.filter(({ entry, due }) => due <= now && !(all && entry.state === 'falling'));
        for (const { key, entry } of told) {
          const next = tell(entry, now);
          put(key, next.entry);
          const about = aboutOf(key, entry.condition);
          if (next.entry.state === 'calm') abouts.delete(key);
          if (next.change !== undefined) changes.push({ ...next.change, about });
        }
        if (told.length > 0) toldOf.set(kind, [...(toldOf.get(kind) ?? []), now]);
      }
      return changes;
    },
    next: (now) => {
      let soonest = Number.POSITIVE_INFINITY;
      for (const [kind, waiting] of waitingByKind()) {
        const first = waiting.reduce((least, { due }) => Math.min(least, due), Number.POSITIVE_INFINITY);
        soonest = Math.min(soonest, first + patienceOf(kind, now));
      }
      for (const entry of entries.values()) soonest = Math.min(soonest, endOf(entry) ?? Number.POSITIVE_INFINITY);
      return Number.isFinite(soonest) ? soonest : undefined;
    },
    save: () => ({ entries: [...entries], about: [...abouts] }),
  };
}
