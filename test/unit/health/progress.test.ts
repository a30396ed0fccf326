import fc from 'fast-check';
import { expect, it } from 'vitest';
import { advance, type Mark, standstill } from '../../../src/health/progress.ts';

const WITHIN = 60_000;

function after(...readings: readonly [value: number, now: number][]): Mark {
  let mark: Mark | undefined;
  for (const [value, now] of readings) mark = advance(mark, value, now);
  return mark as Mark;
}

it('stands still where it has been the same for longer than it may', () => {
  expect(standstill('scan', after([471, 0], [471, 60_000]), WITHIN, 60_000)).toBeUndefined();
  expect(standstill('scan', after([471, 0], [471, 120_000]), WITHIN, 120_000)).toBe('scan is at 471 for 2m');
  expect(standstill('scan', after([470, 0], [471, 90_000]), WITHIN, 120_000)).toBeUndefined();
});

it('begins anew where it gets smaller, as after a restart', () => {
  expect(standstill('scan', after([471, 0], [3, 70_000]), WITHIN, 100_000)).toBeUndefined();
  expect(standstill('scan', after([471, 0], [3, 70_000]), WITHIN, 131_000)).toBe('scan is at 3 for 1m1s');
});

it('law: it fails exactly where the last change is too long ago', () => {
  const readings = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 90_000 })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(readings, (gaps) => {
      let now = 0;
      const all = gaps.map(([value, gap]) => {
        now += gap;
        return [value, now] as [number, number];
      });
      const [last] = all.at(-1) ?? [0];
      const since = all.findLastIndex(([value]) => value !== last) + 1;
      const still = now - (all[since]?.[1] ?? 0);
      expect(standstill('n', after(...all), WITHIN, now) !== undefined).toBe(still > WITHIN);
    }),
  );
});
