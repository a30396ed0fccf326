import { type Change, type Condition, graver, type Severity } from './alert.ts';

/*
 * What is known and told of one key. What it is about may come and go at any time; it is told only when its turn comes.
 *
 *              is so                 told
 *     CALM ─────────────> RISING ─────────────> FIRING ──┐
 *      ^ ^                  │                    │  ^    │ its severity changed: told anew
 *      │ └── is over: ──────┘           is over  │  │    v
 *      │     nothing was told                    v  │ is so again: nothing is told
 *      └─────────────────────────────────────  FALLING
 *                       told
 *
 * One that was told MOST times within an hour is told once more, as one that flaps; from then on nothing is told of it
 * until it has been as it is, so or over, for QUIET.
 */

/** So many times in an hour (ms) a key is told to be so before it counts as one that flaps. */
export const MOST = 4;
export const HOUR = 3_600_000;
/** ms. How long one that flaps has to stay as it is before more is told of it. */
export const QUIET = 900_000;
/** ms. A service that runs again has to do so for a while before anybody believes it. */
const SETTLE = 10_000;

interface Kept {
  /** When it was told to be so, within the last hour. */
  readonly sent: readonly number[];
}

interface On extends Kept {
  readonly condition: Condition;
  /** Since when it is so. */
  readonly since: number;
  /** When it last became so, was over, or changed its severity. */
  readonly changed: number;
  /** When it was last said to be so. */
  readonly heard: number;
}

interface Told extends On {
  /** As it was told last: what is over is what was told. */
  readonly told: Condition;
  readonly peak: Severity;
  readonly flaps?: true;
}

export type Entry =
  | ({ readonly state: 'calm' } & Kept)
  | ({ readonly state: 'rising' } & On)
  | ({ readonly state: 'firing' } & Told)
  | ({ readonly state: 'falling'; readonly how?: string } & Told);

/** It is so. */
export function on(entry: Entry | undefined, condition: Condition, now: number): Entry {
  switch (entry?.state) {
    case undefined:
    case 'calm':
      return { state: 'rising', condition, since: now, changed: now, heard: now, sent: entry?.sent ?? [] };
    case 'rising':
      return { ...entry, condition, heard: now };
    case 'firing':
      if (condition.severity === entry.condition.severity) return { ...entry, condition, heard: now };
      return { ...rested(entry, now), state: 'firing', condition, changed: now, heard: now };
    case 'falling': {
      const { how: _, ...rest } = entry;
      return { ...rest, state: 'firing', condition, changed: now, heard: now };
    }
  }
}

/** One that has been as it is for long enough flaps no more. */
function rested(entry: Entry & Told, now: number): Told {
  const { flaps, ...rest } = entry;
  return flaps && now < entry.changed + QUIET ? entry : rest;
}

/** It is over; `how` tells how that was seen, where that is worth telling. */
export function off(entry: Entry, now: number, how?: string): Entry {
  switch (entry.state) {
    case 'calm':
    case 'falling':
      return entry;
    case 'rising':
      return { state: 'calm', sent: entry.sent };
    case 'firing':
      return { ...rested(entry, now), state: 'falling', changed: now, ...(how === undefined ? {} : { how }) };
  }
}

/** When it ends by itself (ms since the epoch), where it does. */
export function endOf(entry: Entry): number | undefined {
  if (entry.state !== 'rising' && entry.state !== 'firing') return undefined;
  const { lasts } = entry.condition;
  return lasts === undefined ? undefined : entry.heard + lasts;
}

/** Of a change that did not stay well, and that nothing is done about, more is known in a moment: how the service is by then. */
function isSoonMore({ kind, lasts }: Condition): boolean {
  return kind === 'verify' && lasts !== undefined;
}

/** From when on there is something to tell of it, were it its turn; undefined: nothing. */
export function dueOf(entry: Entry): number | undefined {
  switch (entry.state) {
    case 'calm':
      return undefined;
    case 'rising':
      return entry.changed + (isSoonMore(entry.condition) ? SETTLE : 0);
    case 'firing':
      if (entry.condition.severity === entry.told.severity) return undefined;
      return entry.changed + (entry.flaps ? QUIET : 0);
    case 'falling':
      return entry.changed + (entry.flaps ? QUIET : entry.condition.kind === 'down' ? SETTLE : 0);
  }
}

/** What is told of it now, which is due; and what it is from then on. */
export function tell(entry: Entry, now: number): { readonly entry: Entry; readonly change?: Omit<Change, 'about'> } {
  if (entry.state === 'calm') return { entry };
  const { condition, since } = entry;
  const sent = entry.sent.filter((at) => at > now - HOUR && at <= now);
  if (entry.state === 'falling') {
    const { peak, how, told } = entry;
    return {
      entry: { state: 'calm', sent },
      change: { condition: told, state: 'resolved', peak, since, at: now, ...(how === undefined ? {} : { how }) },
    };
  }
  const { severity } = condition;
  const peak = entry.state === 'firing' ? graver(entry.peak, severity) : severity;
  const flapping = sent.length >= MOST ? ({ flaps: true } as const) : {};
  const { changed, heard } = entry;
  return {
    entry: {
      state: 'firing',
      condition,
      since,
      changed,
      heard,
      told: condition,
      peak,
      sent: [...sent, now].slice(-MOST - 1),
      ...flapping,
    },
    change: { condition, state: 'firing', peak, since, at: now, ...flapping },
  };
}

/** Nothing of it is needed any more. */
export function isForgotten(entry: Entry, now: number): boolean {
  return entry.state === 'calm' && !entry.sent.some((at) => at > now - HOUR);
}
