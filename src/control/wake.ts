import type { Plan } from '../model.ts';
import { nextThaw } from './freeze.ts';
import type { Decided } from './index.ts';

/** ms. When it is looked again whether a group has room by now; nobody tells when a service is well again. */
const ROOM = 10_000;

/** When changes that wait may be made, or others have to wait, without anybody doing anything (ms since the epoch). */
export function nextChange(
  { freezes, windows }: Pick<Decided, 'freezes' | 'windows'>,
  { held }: Pick<Plan, 'held'>,
  now: number,
): number | undefined {
  const room = held.some(({ reason }) => reason.kind === 'unavailable') ? now + ROOM : undefined;
  const times = [nextThaw(freezes), windows?.next(), room].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}
