import { roughly } from '../units.ts';

/** The greatest number since it last began anew, and when it was first seen (ms). */
export interface Mark {
  readonly value: number;
  readonly at: number;
}

/** A number that gets smaller begins anew, as after a restart. Pure. */
export function advance(mark: Mark | undefined, value: number, now: number): Mark {
  return mark?.value === value ? mark : { value, at: now };
}

/** Why it does not go on, or undefined where it does: `scan is at 471 for 2m`. */
export function standstill(name: string, { value, at }: Mark, within: number, now: number): string | undefined {
  const still = now - at;
  return still > within ? `${name} is at ${value} for ${roughly(still)}` : undefined;
}
