import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSuspicion } from '../../../src/daemon/suspicion.ts';
import { createUnwell, type Unwell, type UnwellEvent } from '../../../src/daemon/unwell.ts';
import { type Board, createBoard } from '../../../src/health/board.ts';
import type { Clock } from '../../../src/health/clock.ts';
import { createMonitor } from '../../../src/health/monitor.ts';
import { probesOf } from '../../../src/health/parse.ts';
import { suspectsOf } from '../../../src/health/suspects.ts';
import type { Service } from '../../../src/model.ts';
import { Book, UNLIMITED } from '../../../src/restarts/book.ts';
import { actual, desired, RUNNING, read, service } from '../planner/make.ts';

/** Real time for what is asked over the loopback, while the clock of the daemon stands still. */
const { setTimeout: later } = globalThis;
const settle = () => new Promise((resolve) => later(resolve, 1));

/** The one that stands still: the board's own was taken before it was put in the other's place. */
const CLOCK: Clock = {
  now: () => Date.now(),
  in: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

const HOURS = 10;
const EVERY = 10_000;

/** As the engine was that night: what it answers depends on NG6. */
const engine = createServer((_, response) => response.writeHead(isUp ? 200 : 503).end());
const ng6 = createServer();
let isUp = false;
let port = 0;

beforeEach(async () => {
  await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve));
  // A port that nobody listens on until NG6 is back.
  await new Promise<void>((resolve) => ng6.listen(0, '127.0.0.1', resolve));
  port = (ng6.address() as AddressInfo).port;
  await new Promise((resolve) => ng6.close(resolve));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});
afterEach(async () => {
  vi.useRealTimers();
  engine.closeAllConnections();
  engine.close();
  if (ng6.listening) ng6.close();
});

it('restarts nothing in ten hours in which NG6 is down and the engine says so itself', {
  timeout: 120_000,
}, async () => {
  const health = [
    { name: 'ng6', tcp: { address: `127.0.0.1:${port}` }, every: EVERY, about: 'dependency' },
    {
      name: 'api',
      http: { url: `http://127.0.0.1:${(engine.address() as AddressInfo).port}/` },
      every: EVERY,
      kind: 'liveness',
      onFailure: 'restart',
    },
  ];
  const one: Service = service('engine', {
    written: { health: health.map((probe) => ({ ...probe, every: '10s' })) as never },
  });
  const all = desired([one]);
  const observed = new Map([['builtin' as const, read(actual(one, RUNNING))]]);
  await using monitor = createMonitor();
  using board: Board = createBoard(monitor, CLOCK);
  const waits: string[] = [];
  board.onChange((event) => waits.push(event.kind === 'waiting-for' ? `waiting for ${event.cause.on}` : event.kind));
  const book = new Book(() => 0.5);
  book.budget(UNLIMITED);
  const acted: UnwellEvent[] = [];
  const nudged: string[] = [];
  using unwell: Unwell = createUnwell({
    monitor,
    restarts: {
      ask: (id) => book.take(id, { kind: 'asked' }, Date.now()),
      in: (until) => until - Date.now(),
      breaker: () => book.breaker(Date.now()),
    },
    causeOf: board.causeOf,
    suspicion: createSuspicion((id) => suspectsOf(id, all, monitor)),
    isSoaking: () => false,
    isObserved: () => false,
    stop: async () => {},
    rollBack: async () => undefined,
    nudge: (cause) => nudged.push(cause),
    tell: (event) => acted.push(event),
  });
  monitor.watch(
    'engine',
    probesOf(health as never),
    { prefix: [], environment: {}, directory: '/' },
    {
      pid: () => process.pid,
      grace: 0,
    },
  );
  board.see(all, observed);

  /** From timer to timer: what is asked of the loopback is answered before the clock goes on. */
  const pass = async (ms: number) => {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      await vi.advanceTimersToNextTimerAsync();
      await settle();
    }
    board.see(all, observed);
  };
  await pass(HOURS * 3_600_000);
  expect(board.causeOf('engine')).toMatchObject({ on: 'ng6' });
  expect(board.levelOf('engine')).toBe('DEGRADED');
  expect({ acted, nudged, pending: unwell.pending.size }).toEqual({ acted: [], nudged: [], pending: 0 });

  // NG6 is back, and the engine with it.
  isUp = true;
  await new Promise<void>((resolve) => ng6.listen(port, '127.0.0.1', resolve));
  await pass(120_000);
  expect(board.causeOf('engine')).toBeUndefined();
  expect(board.levelOf('engine')).toBe('HEALTHY');

  // From now on it is the engine alone that is not well.
  isUp = false;
  await pass(60_000);
  expect(nudged).toEqual(['engine is not well']);
  expect([...unwell.pending.keys()]).toEqual(['engine']);
});
