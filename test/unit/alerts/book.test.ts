import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Change, Condition, Severity } from '../../../src/alerts/alert.ts';
import { type Book, createBook, type Saved } from '../../../src/alerts/book.ts';
import { HOUR, MOST, QUIET } from '../../../src/alerts/machine.ts';

const condition = (key: string, severity: Severity = 'critical', lasts?: number): Condition => {
  const [kind, service] = key.split(':') as [Condition['kind'], string];
  return {
    key,
    kind,
    severity,
    service,
    title: `${service} is ${severity}`,
    ...(lasts === undefined ? {} : { lasts }),
  };
};

/** A book with a clock, of which is told whatever is due, and that is taken for another one where a daemon starts anew. */
class Desk {
  now = 1_000_000;
  book: Book = createBook();
  readonly told: Change[] = [];
  readonly #waits = new Map<string, string>();

  /** Time goes on, and what is due by then is told when it is. */
  wait(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.book.next(this.now);
      if (next === undefined || next > end) break;
      this.now = Math.max(this.now + 1, next);
      this.told.push(...this.book.tell(this.now));
    }
    this.now = Math.max(this.now, end);
  }
  readonly #levels = new Map<string, Severity | undefined>();
  on(key: string, severity?: Severity): void {
    if (key.startsWith('health:')) this.#levels.set(key, severity);
    this.book.on(condition(key, severity), this.now);
  }
  off(key: string): void {
    this.#levels.delete(key);
    this.book.off(key, this.now);
  }
  waits(service: string, on: string): void {
    this.#waits.set(service, on);
    this.book.waits(service, on, 'it is down', this.now);
  }
  waitsNoMore(service: string): void {
    this.#waits.delete(service);
    this.book.waitsNoMore(service, this.now);
  }
  restart(): void {
    this.book = createBook(JSON.parse(JSON.stringify(this.book.save())) as Saved);
    // Both are told anew by whoever knows of them.
    for (const [key, severity] of this.#levels) this.book.on(condition(key, severity), this.now);
    for (const [service, on] of this.#waits) this.book.waits(service, on, 'it is down', this.now);
  }
  get words(): readonly string[] {
    return this.told.map(({ condition, state }) => `${condition.key} ${state}`);
  }
}

it('tells that it is so, once, and that it is over', () => {
  const desk = new Desk();
  desk.on('health:web');
  desk.on('health:web');
  desk.wait(60_000);
  desk.on('health:web');
  desk.wait(600_000);
  desk.off('health:web');
  desk.wait(60_000);
  expect(desk.words).toEqual(['health:web firing', 'health:web resolved']);
  expect(desk.told[1]?.since).toBe(1_000_000);
});

it('says nothing of what is over before its turn, and of what came back before that was told', () => {
  const desk = new Desk();
  desk.on('health:web');
  desk.wait(1000);
  desk.off('health:web');
  desk.wait(600_000);
  expect(desk.words).toEqual([]);
  desk.on('down:web');
  desk.wait(5000);
  desk.off('down:web');
  desk.wait(5000);
  desk.on('down:web');
  desk.wait(600_000);
  expect(desk.words).toEqual(['down:web firing']);
});

it('tells anew when its severity changes, and that it is over with the gravest', () => {
  const desk = new Desk();
  desk.on('health:web', 'warning');
  desk.wait(60_000);
  desk.on('health:web', 'critical');
  desk.wait(60_000);
  desk.on('health:web', 'warning');
  desk.wait(60_000);
  desk.off('health:web');
  desk.wait(60_000);
  expect(desk.told.map(({ state, condition, peak }) => [state, condition.severity, peak])).toEqual([
    ['firing', 'warning', 'warning'],
    ['firing', 'critical', 'critical'],
    ['firing', 'warning', 'critical'],
    ['resolved', 'warning', 'critical'],
  ]);
});

it('tells of what was told that it is over, whatever it was in between', () => {
  const desk = new Desk();
  desk.on('health:web', 'critical');
  desk.wait(60_000);
  desk.on('drift:web', 'warning');
  desk.on('health:web', 'warning');
  desk.wait(60_000);
  desk.off('health:web');
  desk.wait(60_000);
  const last = desk.told.findLast(({ condition }) => condition.key === 'health:web');
  expect([last?.state, last?.condition.title]).toEqual(['resolved', 'web is critical']);
});

it('tells 200 that come within two seconds at once', () => {
  const desk = new Desk();
  for (let i = 0; i < 200; i += 1) {
    desk.on(`down:worker-${i}`);
    desk.wait(9);
  }
  const before = desk.told.length;
  desk.wait(300);
  expect([before, new Set(desk.told.map(({ at }) => at)).size, desk.told.length]).toEqual([0, 1, 200]);
});

it('lets those of a kind wait the longer the more was told of it', () => {
  const desk = new Desk();
  for (let i = 0; i < 300; i += 1) {
    desk.on(`down:worker-${i}`);
    desk.wait(1000);
  }
  desk.wait(60_000);
  expect(desk.told).toHaveLength(300);
  expect(new Set(desk.told.map(({ at }) => at)).size).toBeLessThan(15);
});

it('tells of one that comes and goes that it does, and then nothing until it has been quiet', () => {
  const desk = new Desk();
  for (let i = 0; i < 20; i += 1) {
    desk.on('health:web');
    desk.wait(90_000);
    desk.off('health:web');
    desk.wait(90_000);
  }
  const firings = desk.told.filter(({ state }) => state === 'firing');
  expect(firings.map(({ flaps }) => flaps === true)).toEqual([false, false, false, false, true]);
  expect(desk.told.at(-1)?.state).toBe('firing');
  desk.wait(QUIET);
  expect(desk.told.at(-1)?.state).toBe('resolved');
});

it('tells at once of the end of one that flapped and has been so for long', () => {
  const desk = new Desk();
  for (let i = 0; i < 5; i += 1) {
    desk.off('health:web');
    desk.wait(90_000);
    desk.on('health:web');
    desk.wait(90_000);
  }
  desk.wait(2 * HOUR);
  desk.off('health:web');
  desk.wait(10_000);
  expect(desk.words.at(-1)).toBe('health:web resolved');
});

it('tells the cause in place of what waits for it, once, however many wait', () => {
  const desk = new Desk();
  for (const service of ['engine', 'bridge', 'web']) {
    desk.on(`health:${service}`, 'warning');
    desk.waits(service, 'ng6');
    desk.wait(100);
  }
  desk.wait(600_000);
  expect(desk.words).toEqual(['dependency:ng6 firing']);
  expect(desk.told[0]?.condition.title).toBe('3 services wait for ng6: it is down');
  expect(desk.told[0]?.about).toEqual(['engine', 'bridge', 'web']);
  for (const service of ['engine', 'bridge', 'web']) {
    desk.off(`health:${service}`);
    desk.waitsNoMore(service);
  }
  desk.wait(600_000);
  expect(desk.words).toEqual(['dependency:ng6 firing', 'dependency:ng6 resolved']);
  expect(desk.told[1]?.about).toEqual(['engine', 'bridge', 'web']);
});

it('tells of a service that others wait for by itself, and of nothing else', () => {
  const desk = new Desk();
  desk.on('down:bridge');
  desk.on('health:engine');
  desk.waits('engine', 'bridge');
  desk.wait(600_000);
  expect(desk.words).toEqual(['down:bridge firing']);
});

it('tells of what is down as that alone, and of what a commit broke as that', () => {
  const desk = new Desk();
  desk.on('health:web');
  desk.on('down:web');
  desk.book.on({ ...condition('verify:web', 'warning'), lasts: HOUR }, desk.now);
  desk.on('down:api');
  desk.on('verify:api', 'critical');
  desk.wait(600_000);
  expect(desk.words).toEqual(['down:web firing', 'verify:api firing']);
  // It is rolled back, and is down all the same.
  desk.on('verify:api', 'warning');
  desk.off('down:web');
  desk.wait(600_000);
  expect([...desk.words.slice(2)].sort()).toEqual([
    'down:api firing',
    'down:web resolved',
    'health:web firing',
    'verify:api firing',
  ]);
});

it('tells of what is still wrong once it no longer waits', () => {
  const desk = new Desk();
  desk.on('health:engine');
  desk.waits('engine', 'ng6');
  desk.wait(600_000);
  desk.waitsNoMore('engine');
  desk.wait(600_000);
  expect([...desk.words].sort()).toEqual(['dependency:ng6 firing', 'dependency:ng6 resolved', 'health:engine firing']);
});

it('takes what nobody tells the end of for over after a while', () => {
  const desk = new Desk();
  desk.book.on(condition('trouble:web', 'warning', HOUR), desk.now);
  desk.wait(HOUR / 2);
  desk.book.on(condition('trouble:web', 'warning', HOUR), desk.now);
  desk.wait(HOUR - 1);
  expect(desk.words).toEqual(['trouble:web firing']);
  desk.wait(60_000);
  expect(desk.words).toEqual(['trouble:web firing', 'trouble:web resolved']);
});

it('waits for what waits to be told anew when it is restarted', () => {
  const desk = new Desk();
  desk.on('health:api');
  desk.on('health:web');
  desk.waits('web', 'api');
  desk.wait(60_000);
  desk.book = createBook(JSON.parse(JSON.stringify(desk.book.save())) as Saved);
  desk.wait(60_000);
  // Its cause is over a moment earlier than its waiting is.
  desk.on('health:web');
  desk.waits('web', 'api');
  desk.wait(60_000);
  desk.off('health:api');
  desk.wait(5000);
  desk.waitsNoMore('web');
  desk.off('health:web');
  desk.wait(600_000);
  expect(desk.words).toEqual(['health:api firing', 'health:api resolved']);
});

it('doubts what was so before it was restarted, until somebody speaks of it', () => {
  const desk = new Desk();
  desk.on('verify:web');
  desk.on('verify:api');
  desk.wait(60_000);
  desk.restart();
  expect(desk.book.doubtful().map(({ condition }) => condition.key)).toEqual(['verify:web', 'verify:api']);
  desk.on('verify:web');
  desk.off('verify:api');
  expect(desk.book.doubtful()).toEqual([]);
  desk.wait(60_000);
  expect(desk.words).toEqual(['verify:web firing', 'verify:api firing', 'verify:api resolved']);
});

// ---- Laws ----------------------------------------------------------------------------------------------------

const KEYS = ['health:a', 'health:b', 'down:a', 'verify:b', 'drift:a'] as const;
const SEVERITIES = ['info', 'warning', 'critical'] as const;

const op = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('on' as const),
      key: fc.constantFrom(...KEYS),
      severity: fc.constantFrom(...SEVERITIES),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('off' as const), key: fc.constantFrom(...KEYS) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 90_000 }),
        fc.integer({ min: 1, max: 1_200_000 }),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('waits' as const),
      service: fc.constantFrom('a', 'b'),
      on: fc.constantFrom('x', 'y', 'a'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('goes' as const), service: fc.constantFrom('a', 'b') }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const) }) },
);

it('holds its laws through whatever happens, and through restarts at any point', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 150 }), (ops) => {
      const desk = new Desk();
      const now = new Map<string, Severity>();
      for (const one of ops) {
        if (one.op === 'on') {
          now.set(one.key, one.severity);
          desk.on(one.key, one.severity);
        } else if (one.op === 'off') {
          now.delete(one.key);
          desk.off(one.key);
        } else if (one.op === 'wait') desk.wait(one.ms);
        else if (one.op === 'waits') {
          if (one.service !== one.on) desk.waits(one.service, one.on);
        } else if (one.op === 'goes') desk.waitsNoMore(one.service);
        else desk.restart();
      }
      desk.wait(2 * HOUR);
      // What was told as a part of something else is told by itself in the end.
      for (const service of ['a', 'b']) desk.waitsNoMore(service);
      for (const key of ['down:a', 'verify:b', 'drift:a']) {
        desk.off(key);
        now.delete(key);
      }
      desk.wait(2 * HOUR);

      const byKey = Map.groupBy(desk.told, ({ condition }) => condition.key);
      for (const [key, all] of byKey) {
        let last: Change | undefined;
        for (const change of all) {
          // No two firings without a resolve between, but for another severity; no resolve of what was not firing.
          if (change.state === 'resolved') expect(last?.state).toBe('firing');
          else if (last?.state === 'firing') expect(change.condition.severity).not.toBe(last.condition.severity);
          last = change;
        }
        // Bounded in any hour.
        const firings = all.filter(({ state }) => state === 'firing').map(({ at }) => at);
        for (const start of firings)
          expect(firings.filter((at) => at >= start && at < start + HOUR).length).toBeLessThanOrEqual(
            MOST + Math.ceil(HOUR / QUIET),
          );
        // In the end what was told is how it is.
        if (!key.startsWith('dependency:'))
          expect([key, last?.state === 'firing' ? last.condition.severity : undefined]).toEqual([key, now.get(key)]);
        else expect(last?.state).toBe('resolved');
      }
      for (const key of now.keys()) expect(byKey.has(key)).toBe(true);
      expect(desk.book.next(desk.now)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

it('tells of one key no more than so often in any hour, however it comes and goes', () => {
  const toggles = fc.array(fc.tuple(fc.integer({ min: 500, max: 150_000 }), fc.integer({ min: 0, max: 9 })), {
    minLength: 20,
    maxLength: 150,
  });
  fc.assert(
    fc.property(toggles, (waits) => {
      const desk = new Desk();
      waits.forEach(([ms, dice], i) => {
        if (i % 2 === 0) desk.on('verify:web', dice > 5 ? 'critical' : 'warning');
        else if (dice > 3) desk.off('verify:web');
        if (dice === 0) desk.restart();
        desk.wait(ms);
      });
      const firings = desk.told.filter(({ state }) => state === 'firing').map(({ at }) => at);
      const most = Math.max(0, ...firings.map((a) => firings.filter((b) => b >= a && b < a + HOUR).length));
      expect(most).toBeLessThanOrEqual(MOST + Math.ceil(HOUR / QUIET));
    }),
    { numRuns: 300 },
  );
});
