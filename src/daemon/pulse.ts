import type { Desired } from '../model.ts';
import { parseDuration } from '../units.ts';

/** How long (ms) a turn of the loop may be silent beyond what its services are allowed to take. */
const PATIENCE = 600_000;

/**
 * Whether the daemon's work goes on. Between turns of its loop it does; in one, as long as something is told now and then.
 * What takes long because a service may take long is no standstill.
 */
export interface Pulse {
  /** Something has happened. */
  beat(): void;
  /** Runs one turn of the loop. */
  around<T>(turn: () => Promise<T>): Promise<T>;
  /** `desired` says how long its services may take. */
  beats(desired: Desired | undefined): boolean;
}

export function createPulse(now: () => number = () => performance.now()): Pulse {
  /** When something was heard last of the turn that runs. */
  let heard: number | undefined;
  return {
    beat: () => {
      if (heard !== undefined) heard = now();
    },
    around: async (turn) => {
      heard = now();
      try {
        return await turn();
      } finally {
        heard = undefined;
      }
    },
    beats: (desired) => heard === undefined || now() - heard < PATIENCE + 2 * longestOf(desired),
  };
}

/** The longest (ms) that one step of any service may take. */
function longestOf(desired: Desired | undefined): number {
  const ms = (text: string | undefined) => (text === undefined ? 0 : (parseDuration(text) ?? 0));
  const soak = ms(desired?.policy.written.verify?.soak);
  const times = (desired?.services ?? []).map(({ written: { start, stop, soak: own } }) => {
    return ms(start?.timeout) + ms(start?.ready) + ms(stop?.timeout) + Math.max(ms(own), soak);
  });
  return times.reduce((longest, time) => Math.max(longest, time), soak);
}
