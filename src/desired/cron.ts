import { Cron } from 'croner';
import type { Window } from './generated/policy.ts';

/** When a window opens, one time after another. Throws a `RangeError` for what is no crontab line, or no time zone. */
export interface Openings {
  /** The first after then (ms since the epoch); undefined where there is none. */
  after(ms: number): number | undefined;
  /** The last that is not after then. */
  notAfter(ms: number): number | undefined;
}

/**
 * As cron does it where clocks are changed: what falls into the hour that is left out comes right after it, and into the one
 * that comes twice, the first time; what comes every so many minutes or hours does so in both, and not in what is left out.
 */
export function openingsOf({ cron, timezone = 'UTC' }: Pick<Window, 'cron' | 'timezone'>): Openings {
  let found: Cron;
  try {
    found = new Cron(cron, { timezone, mode: '5-part', paused: true });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new RangeError(said.replace(/^CronPattern: /, ''));
  }
  return {
    after: (ms) => found.nextRun(new Date(ms))?.getTime(),
    // What it gives is strictly before, in whole seconds.
    notAfter: (ms) => found.previousRuns(1, new Date(Math.floor(ms / 1000) * 1000 + 1000))[0]?.getTime(),
  };
}

/** As the system knows them: `Europe/Berlin`, `UTC`, `+02:00`. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
