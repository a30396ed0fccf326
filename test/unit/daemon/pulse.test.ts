import { expect, it } from 'vitest';
import { createPulse } from '../../../src/daemon/pulse.ts';
import type { Desired } from '../../../src/model.ts';

const MINUTE = 60_000;
const desired = (start: object) =>
  ({ services: [{ written: { start } }], policy: { written: {} } }) as unknown as Desired;

it('beats while nothing is to be done, and in a turn as long as something happens', async () => {
  let now = 0;
  const pulse = createPulse(() => now);
  now = 1e9;
  expect(pulse.beats(undefined)).toBe(true);
  const { promise, resolve } = Promise.withResolvers<void>();
  const turn = pulse.around(() => promise);
  now += 9 * MINUTE;
  expect(pulse.beats(undefined)).toBe(true);
  pulse.beat();
  now += 9 * MINUTE;
  expect(pulse.beats(undefined)).toBe(true);
  now += 2 * MINUTE;
  expect(pulse.beats(undefined)).toBe(false);
  // What its services are allowed to take is no standstill.
  expect(pulse.beats(desired({ timeout: '1h' }))).toBe(true);
  now += 130 * MINUTE;
  expect(pulse.beats(desired({ timeout: '1h' }))).toBe(false);
  resolve();
  await turn;
  expect(pulse.beats(undefined)).toBe(true);
});

it('goes on after a turn that failed', async () => {
  let now = 0;
  const pulse = createPulse(() => now);
  await expect(pulse.around(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  now += 60 * MINUTE;
  expect(pulse.beats(undefined)).toBe(true);
});
