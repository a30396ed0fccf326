import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Counted, count, FRESH, type Rule, renewed } from '../../../src/health/counting.ts';

const EVERY = 1000;
const rule = (of: number, { count: least = of, successes = 1 } = {}): Rule => ({
  every: EVERY,
  failures: { count: least, of },
  successes,
});

/** `+` passes, `-` fails; each a period after the one before. */
function after(tries: string, by: Rule, { graceUntil = 0, from = FRESH, step = EVERY } = {}): Counted {
  let [counted, at] = [from, 0];
  for (const one of tries) {
    counted = count(counted, one === '+' ? undefined : 'refused', by, { at, graceUntil });
    at += step;
  }
  return counted;
}

const kind = (...args: Parameters<typeof after>) => after(...args).verdict.kind;

describe('failures', () => {
  it('in a row', () => {
    expect(kind('+--', rule(3))).toBe('passing');
    expect(kind('+--+--', rule(3))).toBe('passing');
    expect(kind('+---', rule(3))).toBe('failing');
    expect(kind('--', rule(3))).toBe('unknown');
    expect(kind('---', rule(3))).toBe('failing');
  });

  it('so many of the last tries', () => {
    const three = rule(5, { count: 3 });
    expect(kind('+-+-+', three)).toBe('passing');
    expect(kind('+-+-+-', three)).toBe('failing');
    expect(kind('+-+-+++-', three)).toBe('passing');
    expect(kind('+---', three)).toBe('failing');
  });

  it('begin anew once it passes again', () => {
    const three = rule(5, { count: 3 });
    expect(kind('+---+--', three)).toBe('passing');
    expect(kind('+---+---', three)).toBe('failing');
  });

  it('tell the last reason', () => {
    const failing = after('+---', rule(3));
    expect(count(failing, 'status 503', rule(3), { at: 9000, graceUntil: 0 }).verdict).toEqual({
      kind: 'failing',
      why: 'status 503',
    });
  });
});

it('passes again after so many passes in a row, but the first time at once', () => {
  const patient = rule(1, { successes: 3 });
  expect(kind('+', patient)).toBe('passing');
  expect(kind('+-++', patient)).toBe('failing');
  expect(kind('+-++-++', patient)).toBe('failing');
  expect(kind('+-++-+++', patient)).toBe('passing');
});

describe('the grace', () => {
  it('makes failures before the first pass count for nothing', () => {
    expect(kind('-----', rule(1), { graceUntil: 5000 })).toBe('unknown');
    expect(kind('------', rule(1), { graceUntil: 5000 })).toBe('failing');
  });

  it('is over with the first pass', () => {
    expect(kind('-+-', rule(1), { graceUntil: 60_000 })).toBe('failing');
  });
});

it('counts what is tried more often than it is to be once in a period, until it has passed', () => {
  expect(kind('---', rule(2), { step: 250 })).toBe('unknown');
  expect(kind('-----', rule(2), { step: 250 })).toBe('failing');
  expect(kind('+--', rule(2), { step: 250 })).toBe('failing');
});

it('begins anew with what failed unknown and what passes passing until it fails', () => {
  expect(renewed(after('+---', rule(3)))).toEqual(FRESH);
  const passing = renewed(after('+--', rule(3)));
  expect(passing).toMatchObject({ verdict: { kind: 'passing' }, passed: false, recent: [] });
  expect(kind('--', rule(3), { from: passing })).toBe('passing');
  expect(kind('---', rule(1), { from: passing, graceUntil: 3000 })).toBe('passing');
  expect(kind('---', rule(3), { from: passing })).toBe('failing');
});

it('is the same value where nothing has changed', () => {
  const passing = after('++', rule(3));
  expect(count(passing, undefined, rule(3), { at: 9000, graceUntil: 0 })).toBe(passing);
});

const rules = fc
  .record({ of: fc.integer({ min: 1, max: 8 }), less: fc.nat(7), successes: fc.integer({ min: 1, max: 5 }) })
  .map(({ of, less, successes }) => rule(of, { count: Math.max(1, of - less), successes }));
const tries = fc.string({ unit: fc.constantFrom('+', '-'), maxLength: 60 });

it('law: it fails exactly where enough of the last tries since the last change have failed', () => {
  fc.assert(
    fc.property(rules, tries, (by, all) => {
      // Told over, by looking back at the text.
      let [verdict, since] = ['unknown', 0];
      for (let i = 1; i <= all.length; i += 1) {
        const done = all.slice(since, i);
        if (verdict === 'failing') {
          if (done.endsWith('+'.repeat(by.successes))) [verdict, since] = ['passing', i];
        } else if (verdict === 'unknown' && done.endsWith('+')) [verdict, since] = ['passing', i];
        else if (done.slice(-by.failures.of).replaceAll('+', '').length >= by.failures.count)
          [verdict, since] = ['failing', i];
        expect(kind(all.slice(0, i), by)).toBe(verdict);
      }
    }),
  );
});

it('law: no more is remembered than the window holds, and nothing of long passing', () => {
  fc.assert(
    fc.property(rules, tries, (by, all) => {
      expect(after(all, by).recent.length).toBeLessThanOrEqual(by.failures.of);
      expect(after(`${all}${'+'.repeat(20)}`, by).recent).toEqual([]);
    }),
  );
});

it('law: within the grace no verdict comes of failures alone', () => {
  fc.assert(
    fc.property(rules, fc.integer({ min: 0, max: 60 }), (by, times) => {
      expect(kind('-'.repeat(times), by, { graceUntil: 60 * EVERY })).toBe('unknown');
    }),
  );
});
