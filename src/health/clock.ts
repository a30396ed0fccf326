/** What tells the time, and when a time has come: another one in tests. */
export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** Calls `then` once, after `ms`; what it gives back calls that off. */
  in(ms: number, then: () => void): () => void;
}

/** More than a timer can wait it would take for nothing. */
const LONGEST = 2 ** 31 - 1;

/** The host's. Nothing is kept alive by it. */
export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  in: (ms, then) => {
    const timer = setTimeout(then, Math.min(ms, LONGEST)).unref();
    return () => clearTimeout(timer);
  },
};
