import { expect, it } from 'vitest';
import { timeIn } from '../../../src/logs/times.ts';

const AT = Date.UTC(2026, 10, 24, 16, 40, 0, 123);

it.each([
  ['2026-11-24T16:40:00.123Z started', AT],
  ['[2026-11-24 16:40:00.123456+00:00] INFO x', AT],
  ['2026-11-24T17:40:00,123+0100 INFO x', AT],
  ['INFO 2026-11-24 16:40:00.123 Z x', AT],
  ['2026/11/24 16:40:00 +00:00 [error] 7#7: x', AT - 123],
  [`{"level":30,"time":${AT},"pid":7}`, AT],
  [`{"ts":${AT / 1000},"msg":"x"}`, AT],
])('reads %s', (line, at) => {
  expect(timeIn(line)).toBe(at);
});

it('takes a time without a zone for one of this host', () => {
  expect(timeIn('2026-11-24 16:40:00 x')).toBe(new Date(2026, 10, 24, 16, 40, 0).getTime());
});

it.each(['', 'no time', '2026-13-45T99:99:99Z', `${'x'.repeat(100)} 2026-11-24T16:40:00Z`, '  at main (a.js:3:4)'])(
  'reads none in %s',
  (line) => {
    expect(timeIn(line)).toBeUndefined();
  },
);
