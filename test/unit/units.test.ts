import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/units.ts';

const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe('durations', () => {
  test('what is printed parses to the same number', () => {
    fc.assert(
      fc.property(count, (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  test('printing what was parsed keeps its meaning', () => {
    const part = fc
      .tuple(fc.integer({ min: 0, max: 999 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'))
      .map((p) => p.join(''));
    const text = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (t) => {
        expect(parseDuration(formatDuration(parseDuration(t) ?? -1))).toBe(parseDuration(t));
      }),
    );
  });

  test.each([
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '10', 's', '10 s', '-1s', '10sec', '1e3s', '10S'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('sizes', () => {
  test('what is printed parses to the same number', () => {
    fc.assert(
      fc.property(count, (bytes) => {
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
  });

  test('multiples of a unit are printed in it', () => {
    const units = fc.constantFrom('MB', 'GB', 'MiB', 'GiB');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), units, (n, unit) => {
        const bytes = parseSize(`${n}${unit}`) ?? -1;
        expect(formatSize(bytes).length).toBeLessThanOrEqual(`${n}${unit}`.length);
      }),
    );
  });

  test.each([
    ['50MB', 50e6],
    ['2GiB', 2 * 2 ** 30],
    ['64KiB', 65_536],
    ['1kB', 1000],
    ['0.5GB', 5e8],
    ['7B', 7],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', '50', '50M', '50 MB', '50mb', '-1MB', '1XB'])('%j is none', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});
