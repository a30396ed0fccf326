import { formatDuration } from '../units.ts';
import type { RunAs } from './health.ts';

/** What a try is told of its surroundings. */
export interface Context {
  /** The probe's. */
  readonly name: string;
  readonly as: RunAs;
  /** The main process of the service, where it is known. */
  readonly pid: () => number | undefined;
}

/** Undefined: it passed; else why it did not, in one line. `text`: what was to be read, where that was asked for. */
export type Done = (failure: string | undefined, text?: string) => void;

/** Ends a try at once, whatever it has begun. `within 3s` -> what did not come within that: `no answer within 3s`. */
export type Cancel = (within: string) => string;

/**
 * Begins a try of one target, which calls `done` once, at once or later, and no more once it was cancelled. There is one try
 * at a time of each. Where it throws it has begun nothing.
 */
export type Attempt = (context: Context, done: Done) => Cancel;

/** What has ended already can't be cancelled. */
export const OVER: Cancel = (within) => `no result ${within}`;

/** What a try is cancelled with that has taken too long (ms). */
export function within(timeout: number): string {
  return `within ${formatDuration(timeout)}`;
}
