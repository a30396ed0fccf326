import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import type { ServiceId } from '../model.ts';

/**
 * What waits for a gate, kept so that the time it waits goes on over runs and daemons. Times are ms, since the epoch where
 * they are no durations.
 */
export interface Wait {
  readonly since: number;
  /** A digest of what waits. */
  readonly work: string;
  readonly every: number;
  /** When it has waited long enough. */
  readonly until: number;
}

export type Waits = Readonly<Record<ServiceId, Wait>>;

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'gates.json');

export function readWaits(stateDir: string): Waits {
  return readDecision(fileOf(stateDir), isWaits) ?? {};
}

/** Writes them where they have changed. */
export function saveWaits(stateDir: string, before: Waits, after: Waits): void {
  if (JSON.stringify(before) !== JSON.stringify(after)) writeDecision(fileOf(stateDir), after);
}

const isWaits = (value: unknown): value is Waits =>
  isObject(value) &&
  Object.values(value).every(
    (wait) =>
      isObject(wait) &&
      typeof wait.work === 'string' &&
      [wait.since, wait.every, wait.until].every((time) => typeof time === 'number'),
  );

/** When the first of them is to be tried again, or has waited long enough (ms since the epoch). */
export function nextTry(waits: Waits, now: number): number | undefined {
  const times = Object.values(waits).flatMap(({ every, until }) => [now + every, ...(until > now ? [until] : [])]);
  return times.length === 0 ? undefined : Math.min(...times);
}
