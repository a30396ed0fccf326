import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dueAt,
  isWorse,
  LEVELS,
  type Life,
  levelOf,
  lifeAfter,
  lifeOf,
  NONE,
  nextStanding,
  type Raw,
  rawLevel,
  type Standing,
  worst,
} from '../../../src/health/level.ts';
import type { Level, Run } from '../../../src/model.ts';
import { actual, FATAL, RUNNING, service } from '../planner/make.ts';
import { state } from './make.ts';

describe('what a run says of a service', () => {
  const code = (n: number) => ({ kind: 'code', code: n }) as const;
  const web = service('web');
  const once = service('once', { written: { restart: { policy: 'on-failure' } } });
  const exited = (n: number): Run => ({ kind: 'exited', exit: code(n), at: 7 });
  const held: Run = { kind: 'held', exit: code(1), until: 9, reason: '5 restarts within 10m' };

  it.each<[string, Run, Life['kind']]>([
    ['runs', RUNNING, 'up'],
    ['is on its way up', { ...RUNNING, kind: 'starting' }, 'between'],
    ['is on its way down', { kind: 'stopping', pid: 1 }, 'between'],
    ['was stopped', { kind: 'stopped', started: true }, 'down'],
    ['waits to be started again', { kind: 'backoff', until: 9, exit: code(1) }, 'down'],
    ['could not be started', FATAL, 'down'],
    ['has spent its budget', held, 'down'],
    ['has ended, though it is to be restarted', exited(0), 'down'],
  ])('%s', (_, run, kind) => {
    expect(lifeOf(web, actual(web, run)).kind).toBe(kind);
  });

  it('is done where it has ended well, and may', () => {
    expect(lifeOf(once, actual(once, exited(0)))).toEqual({ kind: 'done' });
    expect(lifeOf(once, actual(once, exited(3)))).toEqual({ kind: 'down', why: 'it ended with exit code 3', since: 7 });
    const never = service('never', { written: { restart: { policy: 'never' } } });
    expect(lifeOf(never, actual(never, exited(3))).kind).toBe('down');
  });

  it('is idle where it is not meant to run, or nobody has said yet that it is', () => {
    const first = service('first', { autostart: false });
    expect(lifeOf(first, actual(first, { kind: 'stopped', started: false })).kind).toBe('idle');
    expect(lifeOf(first, actual(first, { kind: 'stopped', started: true })).kind).toBe('down');
    const manual = service('manual', { state: 'manual' });
    expect(lifeOf(manual, actual(manual, { kind: 'stopped', started: false })).kind).toBe('idle');
    expect(lifeOf(manual, actual(manual, RUNNING)).kind).toBe('up');
    const stopped = service('stopped', { state: 'stopped' });
    expect(lifeOf(stopped, actual(stopped, RUNNING)).kind).toBe('idle');
  });

  it('is idle where it is not there and nothing is done about it; as the unit whose place it may take is', () => {
    const observed = service('web', { written: { mode: 'observe' } });
    expect(lifeOf(observed, undefined).kind).toBe('idle');
    const owner = { kind: 'foreign', owner: '/etc/systemd/system/web.service' } as const;
    expect(lifeOf(observed, actual(web, RUNNING, { owner: { ...owner, superseded: true } })).kind).toBe('up');
    expect(lifeOf(observed, actual(web, RUNNING, { owner })).kind).toBe('down');
  });

  it('is down where it is not there, and unknown where that could not be read', () => {
    expect(lifeOf(web, undefined)).toEqual({ kind: 'down', why: 'it is not there' });
    expect(lifeOf(web, 'unread')).toEqual({ kind: 'between' });
    const problem = { code: 'x', summary: 'x' };
    expect(lifeOf(web, { kind: 'unreadable', id: 'web', problem })).toEqual({ kind: 'between' });
  });

  it('takes what is told as it happens for the same, but a stop, which may be a step of a restart', () => {
    expect(lifeAfter(web, { to: 'RUNNING' }, 5)).toEqual({ kind: 'up' });
    expect(lifeAfter(web, { to: 'STOPPED' }, 5)).toEqual({ kind: 'between' });
    expect(lifeAfter(web, { to: 'BACKOFF', exit: code(1) }, 5)).toMatchObject({
      kind: 'down',
      since: 5,
      returns: true,
    });
    expect(lifeAfter(web, { to: 'FATAL', reason: 'no' }, 5)).toEqual({ kind: 'down', why: 'FATAL: no', since: 5 });
    expect(lifeAfter(once, { to: 'EXITED', exit: code(0) }, 5)).toEqual({ kind: 'done' });
    expect(lifeAfter({ ...web, state: 'stopped' }, { to: 'RUNNING' }, 5).kind).toBe('idle');
  });
});

describe('the level at this moment', () => {
  const up = { life: { kind: 'up' }, isProbed: true, isExcused: false, isLacking: false } as const;

  it('is that of the worst failing probe', () => {
    expect(rawLevel({ ...up, probes: [state('a'), state('b', { failing: 'x' })] })).toBe('CRITICAL');
    expect(rawLevel({ ...up, probes: [state('a', { failing: 'x', level: 'degraded' }), state('b')] })).toBe('DEGRADED');
    expect(rawLevel({ ...up, probes: [state('a', { failing: 'x', level: 'dead' }), state('b')] })).toBe('DEAD');
    expect(rawLevel({ ...up, probes: [state('a'), state('b')] })).toBe('HEALTHY');
  });

  it('is open until each probe has had a result, and while they are not watched', () => {
    expect(rawLevel({ ...up, probes: [state('a'), state('b', { unknown: true })] })).toBe('open');
    expect(rawLevel({ ...up, probes: [] })).toBe('open');
    expect(rawLevel({ ...up, probes: [], isProbed: false })).toBe('HEALTHY');
    expect(rawLevel({ ...up, probes: [], isProbed: false, life: { kind: 'between' } })).toBe('open');
  });

  it('is DEAD without a process, and none where there is to be none, whatever probes said', () => {
    const probes = [state('a')];
    expect(rawLevel({ ...up, probes, life: { kind: 'down', why: 'x' } })).toBe('DEAD');
    expect(rawLevel({ ...up, probes, life: { kind: 'idle', why: 'x' } })).toBeUndefined();
    expect(rawLevel({ ...up, probes, life: { kind: 'done' } })).toBeUndefined();
  });

  it('is DEGRADED where its failures are put down to something else', () => {
    const probes = [state('api', { failing: 'x', level: 'dead' })];
    expect(rawLevel({ ...up, probes, isExcused: true, isLacking: true })).toBe('DEGRADED');
    expect(rawLevel({ ...up, probes, isExcused: true })).toBe('DEGRADED');
    const own = [...probes, state('ng6', { failing: 'y', about: 'dependency', level: 'critical' })];
    expect(rawLevel({ ...up, probes: own, isExcused: true, isLacking: true })).toBe('CRITICAL');
    // What it lacks does it harm though none of its probes has noticed; what it only starts after does not.
    expect(rawLevel({ ...up, probes: [state('api')], isExcused: true, isLacking: true })).toBe('DEGRADED');
    expect(rawLevel({ ...up, probes: [state('api')], isExcused: true })).toBe('HEALTHY');
  });

  it('never gets better as a probe gets worse', () => {
    const rank = (raw: Raw) => (raw === undefined ? -1 : raw === 'open' ? 0 : LEVELS.indexOf(raw));
    const probe = fc.record({
      about: fc.constantFrom('self' as const, 'dependency' as const),
      level: fc.constantFrom('degraded' as const, 'critical' as const, 'dead' as const),
      failing: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(probe, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.boolean(),
        fc.boolean(),
        (probes, at, isExcused, isLacking) => {
          const raw = (all: typeof probes) =>
            rawLevel({
              ...{ life: { kind: 'up' }, isProbed: true, isExcused, isLacking },
              probes: all.map(({ failing, ...more }, i) =>
                state(`p${i}`, { ...more, ...(failing ? { failing: 'x' } : {}) }),
              ),
            });
          const worse = probes.map((one, i) => (i === at % probes.length ? { ...one, failing: true } : one));
          expect(rank(raw(worse))).toBeGreaterThanOrEqual(rank(raw(probes)));
        },
      ),
    );
  });
});

const DWELL = 10_000;

/** The levels over time of what is told of a service: as [ms, level], where they change. */
function levels(told: readonly (readonly [at: number, raw: Raw])[], dwell: number, end: number) {
  let standing: Standing = NONE;
  const seen: [at: number, level: Level | undefined][] = [];
  const apply = (raw: Raw, now: number) => {
    const before = levelOf(standing);
    standing = nextStanding(standing, raw, dwell, now);
    const level = levelOf(standing);
    if (level !== before) seen.push([now, level]);
  };
  let raw: Raw;
  const until = (time: number) => {
    for (;;) {
      const due = dueAt(standing, dwell);
      if (due === undefined || due > time) return;
      apply(raw, due);
    }
  };
  for (const [at, next] of told) {
    until(at);
    raw = next;
    apply(raw, at);
  }
  until(end);
  return seen;
}

describe('the level over time', () => {
  it('gets worse at once, and better when it has been so for dwell', () => {
    expect(
      levels(
        [
          [0, 'HEALTHY'],
          [5, 'CRITICAL'],
          [6, 'HEALTHY'],
        ],
        DWELL,
        1e6,
      ),
    ).toEqual([
      [0, 'HEALTHY'],
      [5, 'CRITICAL'],
      [6 + DWELL, 'HEALTHY'],
    ]);
  });

  it('begins to wait anew when it is as bad again, or nobody knows', () => {
    const told = [
      [0, 'DEAD'],
      [1, 'HEALTHY'],
      [9000, 'DEAD'],
      [9001, 'HEALTHY'],
      [15_000, 'open'],
      [16_000, 'HEALTHY'],
    ] as const;
    expect(levels(told, DWELL, 1e6)).toEqual([
      [0, 'DEAD'],
      [16_000 + DWELL, 'HEALTHY'],
    ]);
  });

  it('gets better to the worst that was seen in that time, and on from there', () => {
    expect(
      levels(
        [
          [0, 'DEAD'],
          [1, 'CRITICAL'],
          [9000, 'HEALTHY'],
        ],
        DWELL,
        1e6,
      ),
    ).toEqual([
      [0, 'DEAD'],
      [1 + DWELL, 'CRITICAL'],
      [1 + 2 * DWELL, 'HEALTHY'],
    ]);
  });

  it('is forgotten where there is none any more', () => {
    expect(
      levels(
        [
          [0, 'DEAD'],
          [1, undefined],
          [2, 'HEALTHY'],
        ],
        DWELL,
        1e6,
      ),
    ).toEqual([
      [0, 'DEAD'],
      [1, undefined],
      [2, 'HEALTHY'],
    ]);
  });

  const raw = fc.constantFrom<Raw>('HEALTHY', 'DEGRADED', 'CRITICAL', 'DEAD', 'open');
  const story = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 15_000 }), raw), { minLength: 1, maxLength: 60 })
    .map((steps) => {
      let at = 0;
      return steps.map(([wait, level]) => {
        at += wait;
        return [at, level] as const;
      });
    });

  it('never gets better twice within dwell, nor sooner than dwell after it got worse', () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 1, max: 20_000 }), (told, dwell) => {
        const seen = levels(told, dwell, 1e9);
        for (const [i, [at, level]] of seen.entries()) {
          const [before, was] = seen[i - 1] ?? [];
          if (before === undefined || was === undefined || level === undefined || !isWorse(was, level)) continue;
          expect(at - before).toBeGreaterThanOrEqual(dwell);
        }
      }),
    );
  });

  it('is never better than what is so at that moment, and comes to it when that stays', () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 0, max: 20_000 }), (told, dwell) => {
        const [end = 0, last] = told.at(-1) ?? [];
        const seen = levels(told, dwell, end + 4 * dwell + 1);
        if (last !== 'open') expect(seen.at(-1)?.[1]).toBe(last);
        for (const [at, now] of told) {
          if (now === 'open' || now === undefined) continue;
          const level = seen.findLast(([since]) => since <= at)?.[1];
          expect(worst([level, now])).toBe(level);
        }
      }),
    );
  });
});
