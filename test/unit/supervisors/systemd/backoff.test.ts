import { expect, it } from 'vitest';
import { waits } from '../../../../src/supervisors/shared/waits.ts';
import { waitingLines } from '../../../../src/supervisors/systemd/backoff.ts';

it.each([
  [1000, 2, 10_000, [1000, 2000, 4000, 8000, 10_000]],
  [500, 1.5, 1000, [500, 750, 1000]],
  [1000, 1, 10_000, [1000]],
  [1000, 2, 1000, [1000]],
  [0, 2, 1000, [0]],
])('from %d ms, %d times as long each, up to %d ms: %j', (initial, factor, max, all) => {
  expect(waits(initial, factor, max)).toEqual(all);
});

it('is told what to wait beyond what systemd waits by itself, and has the time to', () => {
  const [[, command] = [], [, limit] = []] = waitingLines('system', 500, 2, 3000);
  expect(command).toMatch(/ "reconciled-backoff" "%n" "0" "0\.5" "1\.5" "2\.5"$/);
  expect(command).toMatch(/^\+"\/bin\/sh" "-c" /);
  expect(limit).toBe('93s');
  const [[, users] = []] = waitingLines('user', 500, 2, 3000);
  expect(users).toContain(' "reconciled-backoff" "--user" "%n" ');
});
