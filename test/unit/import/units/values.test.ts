import { expect, it } from 'vitest';
import { bytesOf, durationOf, signalOf, spanOf } from '../../../../src/import/units/values.ts';

it.each([
  ['90', 90e6],
  ['1min 30s', 90e6],
  ['1min30s', 90e6],
  ['2.5 hours', 9000e6],
  ['.5', 500e3],
  ['100ms', 100e3],
  ['5 us', 5],
  ['1w 1d 1h 1m 1s', 694_861e6],
  ['1M', 2_629_800e6],
  ['1y', 31_557_600e6],
  ['0', 0],
  ['infinity', Number.POSITIVE_INFINITY],
  ['', undefined],
  ['five', undefined],
  ['5 parsecs', undefined],
  ['-1', undefined],
])('%j is a time of %j µs', (text, us) => {
  expect(spanOf(text)).toBe(us);
});

it('has a duration only for what is just as long', () => {
  expect([90e6, 100e3, 0, 5, Number.POSITIVE_INFINITY, undefined].map(durationOf)).toEqual([
    '1m30s',
    '100ms',
    '0s',
    undefined,
    undefined,
    undefined,
  ]);
});

it('reads limits that are one number, and signals that have a word', () => {
  expect(['64K', '1G', '12', '2GB', 'infinity', '1:2', '', '16E'].map(bytesOf)).toEqual([
    65_536,
    2 ** 30,
    12,
    2 ** 31,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(['SIGTERM', 'INT', '9', 'SIGWINCH', '', '28'].map(signalOf)).toEqual([
    'TERM',
    'INT',
    'KILL',
    undefined,
    undefined,
    undefined,
  ]);
});
