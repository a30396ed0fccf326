import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openWindows } from '../../../src/control/windows.ts';
import type { PolicyFile, Window } from '../../../src/desired/generated/policy.ts';
import { parseDuration } from '../../../src/units.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (text: string) => Date.parse(text);
const shut = (windows: NonNullable<PolicyFile['windows']>, now: string, service = { name: 'web' }) => {
  const found = openWindows(windows, at(now)).shut(service);
  return found?.until === undefined ? found : { ...found, until: new Date(found.until).toISOString() };
};

describe('windows', () => {
  const sunday: Window = { cron: '0 22 * * SUN', duration: '4h' };

  it('lets changes through while one that allows them is open, over midnight too', () => {
    expect(shut({ allow: [sunday] }, '2026-11-22T21:59:59Z')).toEqual({
      why: 'changes are made from `0 22 * * SUN` on, for 4h',
      until: '2026-11-22T22:00:00.000Z',
    });
    expect(shut({ allow: [sunday] }, '2026-11-22T22:00:00Z')).toBeUndefined();
    expect(shut({ allow: [sunday] }, '2026-11-23T01:59:59Z')).toBeUndefined();
    expect(shut({ allow: [sunday] }, '2026-11-23T02:00:00Z')?.until).toBe('2026-11-29T22:00:00.000Z');
  });

  it('has the one that denies win, and says when both let changes through', () => {
    const deny: Window = { cron: '30 23 22 11 *', duration: '1h', reason: 'the exchange closes its books' };
    expect(shut({ allow: [sunday], deny: [deny] }, '2026-11-22T23:45:00Z')).toEqual({
      why: 'the exchange closes its books',
      until: '2026-11-23T00:30:00.000Z',
    });
    // Where the one is over, the other is shut by then.
    const long: Window = { ...deny, duration: '12h' };
    expect(shut({ allow: [sunday], deny: [long] }, '2026-11-22T23:45:00Z')?.until).toBe('2026-11-29T22:00:00.000Z');
  });

  it('takes openings that overlap for one, and what shuts as it opens again for open', () => {
    const deny: Window = { cron: '0 8-16 * * *', duration: '90m' };
    expect(shut({ deny: [deny] }, '2026-11-24T08:10:00Z')?.until).toBe('2026-11-24T17:30:00.000Z');
    expect(shut({ deny: [{ ...deny, duration: '1h' }] }, '2026-11-24T12:59:59Z')?.until).toBe(
      '2026-11-24T17:00:00.000Z',
    );
    expect(shut({ deny: [{ ...deny, duration: '30m' }] }, '2026-11-24T12:30:00Z')).toBeUndefined();
  });

  it('is about some services alone, by name, by former name or by group', () => {
    const deny: Window = { cron: '* * * * *', duration: '1d', services: ['db', 'dolphin:*'] };
    const is = (service: Parameters<ReturnType<typeof openWindows>['shut']>[0]) =>
      openWindows({ deny: [deny] }, at('2026-11-24T12:00Z')).shut(service) !== undefined;
    expect([is({ name: 'web' }), is({ name: 'db' })]).toEqual([false, true]);
    expect([is({ name: 'web', group: 'dolphin' }), is({ name: 'web', group: 'shark' })]).toEqual([true, false]);
    expect(is({ name: 'sql', formerly: ['db'] })).toBe(true);
    // One that allows restricts those that it names, and nobody else.
    const allow: Window = { cron: '0 3 * * *', duration: '1h', services: ['db'] };
    expect(shut({ allow: [allow] }, '2026-11-24T12:00Z')).toBeUndefined();
    expect(shut({ allow: [allow] }, '2026-11-24T12:00Z', { name: 'db' })?.until).toBe('2026-11-25T03:00:00.000Z');
  });

  it('says nothing of an end that is not in sight', () => {
    const always: Window = { cron: '* * * * *', duration: '1d' };
    expect(shut({ deny: [always] }, '2026-11-24T12:00Z')).toEqual({ why: 'no changes from `* * * * *` on, for 1d' });
  });

  it('says when the first of all opens or shuts', () => {
    const windows = openWindows(
      { allow: [sunday], deny: [{ cron: '0 12 * * *', duration: '1h' }] },
      at('2026-11-24T12:10Z'),
    );
    expect(windows.next()).toBe(at('2026-11-24T13:00Z'));
    expect(openWindows({}, at('2026-11-24T12:10Z')).next()).toBeUndefined();
  });
});

describe('where clocks are changed', () => {
  const berlin = { timezone: 'Europe/Berlin' };

  it('opens right after the hour that is left out, where it would have been in it', () => {
    const allow: Window = { cron: '30 2 * * *', duration: '30m', ...berlin };
    // 02:00 CET is 03:00 CEST: at 01:00 UTC on March 29.
    expect(shut({ allow: [allow] }, '2026-03-29T00:59:59Z')?.until).toBe('2026-03-29T01:00:00.000Z');
    expect(shut({ allow: [allow] }, '2026-03-29T01:29:59Z')).toBeUndefined();
    expect(shut({ allow: [allow] }, '2026-03-29T01:30:00Z')?.until).toBe('2026-03-30T00:30:00.000Z');
  });

  it('opens once in the hour that comes twice: the first time', () => {
    const allow: Window = { cron: '30 2 * * *', duration: '30m', ...berlin };
    expect(shut({ allow: [allow] }, '2026-10-25T00:45:00Z')).toBeUndefined();
    expect(shut({ allow: [allow] }, '2026-10-25T01:45:00Z')?.until).toBe('2026-10-26T01:30:00.000Z');
  });

  it('is as long as it says, however many hours the clock shows meanwhile', () => {
    const allow: Window = { cron: '0 22 * * SAT', duration: '6h', ...berlin };
    expect(shut({ allow: [allow] }, '2026-03-29T02:59:59Z')).toBeUndefined();
    expect(shut({ allow: [allow] }, '2026-03-29T03:00:00Z')).toBeDefined();
    expect(shut({ allow: [allow] }, '2026-10-25T01:59:59Z')).toBeUndefined();
    expect(shut({ allow: [allow] }, '2026-10-25T02:00:00Z')).toBeDefined();
  });

  it('does what comes every so many minutes in both of the hours that are one by the clock', () => {
    const deny: Window = { cron: '*/30 * * * *', duration: '10m', ...berlin };
    for (const minute of ['00:00', '00:30', '01:00', '01:30', '02:00']) {
      expect(shut({ deny: [deny] }, `2026-10-25T${minute}:00Z`)).toBeDefined();
      expect(shut({ deny: [deny] }, `2026-10-25T${minute.replace(/0$/, '9')}:59Z`)).toBeDefined();
    }
    expect(shut({ deny: [deny] }, '2026-10-25T01:10:00Z')).toBeUndefined();
  });
});

// ---- against a model that walks from minute to minute ----------------------------------------------------------

const field = (least: number, most: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: fc.integer({ min: least, max: most }).map(String) },
    fc
      .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc.integer({ min: 2, max: Math.min(9, most) }).map((n) => `*/${n}`),
  );
const window = fc
  .record({
    minute: fc.integer({ min: 0, max: 59 }).map(String),
    hour: field(0, 23),
    day: fc.oneof({ weight: 4, arbitrary: fc.constant('*') }, field(1, 28)),
    weekday: fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(0, 6)),
    long: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 6000 })),
    timezone: fc.constantFrom('UTC', 'Asia/Kolkata', 'America/New_York'),
  })
  .map(
    ({ minute, hour, day, weekday, long, timezone }): Window => ({
      cron: `${minute} ${hour} ${day} * ${weekday}`,
      duration: `${long}m`,
      timezone,
    }),
  );

/** Does a field of a crontab line have this number? */
function has(text: string, n: number, least: number): boolean {
  if (text === '*') return true;
  if (text.startsWith('*/')) return (n - least) % Number(text.slice(2)) === 0;
  const [from, to = from] = text.split('-').map(Number);
  return n >= (from ?? 0) && n <= (to ?? 0);
}

/** In January. */
const OFFSETS: Readonly<Record<string, number>> = {
  UTC: 0,
  'Asia/Kolkata': 5 * HOUR + 30 * MINUTE,
  'America/New_York': -5 * HOUR,
};

/** What a clock on the wall shows. */
function wall(ms: number, timezone: string) {
  const there = new Date(ms + (OFFSETS[timezone] ?? Number.NaN));
  const [minute, hour] = [there.getUTCMinutes(), there.getUTCHours()];
  return { minute, hour, day: there.getUTCDate(), weekday: there.getUTCDay() };
}

function opensAt({ cron, timezone = 'UTC' }: Window, ms: number): boolean {
  const [minute = '', hour = '', day = '', , weekday = ''] = cron.split(' ');
  const now = wall(ms, timezone);
  if (!has(minute, now.minute, 0) || !has(hour, now.hour, 0)) return false;
  const days = has(day, now.day, 1);
  const weekdays = has(weekday, now.weekday, 0);
  // As in cron(8): where both are given, either is enough.
  return day !== '*' && weekday !== '*' ? days || weekdays : days && weekdays;
}

/** Whether it is open in each minute of three days from then on. */
function walk(one: Window, from: number): readonly boolean[] {
  const long = parseDuration(one.duration) ?? 0;
  let until = 0;
  const open: boolean[] = [];
  for (let ms = from - long; ms < from + 72 * HOUR; ms += MINUTE) {
    if (opensAt(one, ms)) until = ms + long;
    if (ms >= from) open.push(ms < until);
  }
  return open;
}

describe('at any time, as a walk from minute to minute finds it', () => {
  // Away from where clocks are changed, which is looked at above.
  const from = at('2026-01-09T00:00Z');

  it('is open when it should be', () => {
    fc.assert(
      fc.property(
        fc.array(window, { maxLength: 2 }),
        fc.array(window, { maxLength: 2 }),
        fc.array(fc.nat(72 * 60 - 1), { minLength: 5, maxLength: 5 }),
        (allow, deny, minutes) => {
          const allows = allow.map((one) => walk(one, from));
          const denies = deny.map((one) => walk(one, from));
          const may = (i: number) =>
            !denies.some((open) => open[i]) && (allows.length === 0 || allows.some((open) => open[i]));
          for (const minute of minutes) {
            const found = openWindows({ allow, deny }, from + minute * MINUTE + 30_000).shut({ name: 'web' });
            expect(found === undefined).toBe(may(minute));
            if (found === undefined) continue;
            const next = Array.from({ length: 72 * 60 - minute }, (_, i) => minute + i).find(may);
            // Of windows that open and shut each minute only so many turns are looked at.
            if (next !== undefined && (next - minute <= 99 || found.until !== undefined))
              expect(found.until).toBe(from + next * MINUTE);
            else if (found.until !== undefined) expect(found.until).toBeGreaterThanOrEqual(from + 72 * HOUR);
          }
        },
      ),
      { numRuns: process.env.RECONCILED_LONG === '1' ? 600 : 15 },
    );
  }, 300_000);
});
