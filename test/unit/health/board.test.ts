import { beforeEach, describe, expect, it } from 'vitest';
import { type Board, createBoard } from '../../../src/health/board.ts';
import type { BoardEvent } from '../../../src/health/board-event.ts';
import type { ProbeState } from '../../../src/health/health.ts';
import type { Run, Service } from '../../../src/model.ts';
import { actual, desired, RUNNING, read, STOPPED, service } from '../planner/make.ts';
import { type Given, state } from './make.ts';

/** A clock that goes only where it is told to. */
class VirtualClock {
  #now = 1_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly then: () => void }>();
  now = () => this.#now;
  in = (ms: number, then: () => void) => {
    const timer = { at: this.#now + ms, then };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.then();
    }
    this.#now = end;
  }
}

/** What a monitor tells, by hand. */
class Probes {
  readonly known = new Map<string, ProbeState[]>();
  readonly renewed: string[] = [];
  readonly #clock: VirtualClock;
  #tell = (_: string) => {};
  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }
  probes = (id: string) => this.known.get(id) ?? [];
  onProbe = (listener: (id: string) => void) => {
    this.#tell = listener;
  };
  again = (id: string) => {
    this.renewed.push(id);
    const fresh = ({ probe, verdict, since }: ProbeState): ProbeState =>
      verdict.kind === 'failing'
        ? { probe, verdict: { kind: 'unknown' }, since: this.#clock.now() }
        : { probe, verdict, since };
    if (this.known.has(id)) this.set(id, this.probes(id).map(fresh));
  };
  set(id: string, states: ProbeState[]): void {
    this.known.set(id, states);
    this.#tell(id);
  }
  put(id: string, given: Readonly<Record<string, Given>>): void {
    const since = this.#clock.now();
    this.set(
      id,
      Object.entries(given).map(([name, more]) => {
        const next = state(name, { since, ...more });
        const before = this.probes(id).find(({ probe }) => probe.name === name);
        return before?.verdict.kind === next.verdict.kind ? { ...next, since: before.since } : next;
      }),
    );
  }
}

let clock: VirtualClock;
let probes: Probes;
let board: Board;
let events: BoardEvent[];

beforeEach(() => {
  clock = new VirtualClock();
  probes = new Probes(clock);
  board = createBoard(probes, clock);
  events = [];
  board.onChange((event) => events.push(event));
});

function see(
  services: readonly Service[],
  runs: Readonly<Record<string, Run | undefined>> = {},
  open?: Set<string>,
): void {
  const objects = services.flatMap((one) => {
    const run = one.id in runs ? runs[one.id] : RUNNING;
    return run === undefined ? [] : [actual(one, run)];
  });
  board.see(desired(services), new Map([['builtin', read(...objects)]]), open);
}

const told = () =>
  events.splice(0).map((event) => {
    const who = 'service' in event ? event.service : 'group' in event ? `${event.group}:*` : '*';
    if (event.kind === 'level') return `${who} ${event.to ?? 'none'}`;
    return `${who} ${event.kind} ${event.kind === 'waiting-for' ? event.cause.on : event.on}`;
  });
const probed = (name: string, more: Partial<Service['written']> = {}) =>
  service(name, { written: { health: [{ name: 'api', tcp: { address: 'h:1' } }], ...more } });

describe('levels', () => {
  it('follow runs and probes; a first one that is HEALTHY is not told', () => {
    const all = [probed('web'), service('db'), service('off', { state: 'stopped' })];
    see(all, { off: STOPPED });
    expect([board.levelOf('web'), board.levelOf('db'), board.levelOf('off')]).toEqual([
      undefined,
      'HEALTHY',
      undefined,
    ]);
    probes.put('web', { api: {} });
    expect(board.levelOf('web')).toBe('HEALTHY');
    expect(told()).toEqual([]);
    probes.put('web', { api: { failing: 'status 503' } });
    expect(events[0]).toMatchObject({ kind: 'level', from: 'HEALTHY', to: 'CRITICAL', why: 'api: status 503' });
    expect(told()).toEqual(['web CRITICAL', '* CRITICAL']);
    board.note('db', { to: 'FATAL', reason: 'no such file' });
    expect(events[0]).toMatchObject({ to: 'DEAD', why: 'FATAL: no such file' });
    expect(told()).toEqual(['db DEAD', '* DEAD']);
    expect(board.host()).toEqual({
      level: 'DEAD',
      services: { HEALTHY: 0, DEGRADED: 0, CRITICAL: 1, DEAD: 1 },
      worst: ['db'],
    });
  });

  it('get better by themselves, dwell after the last change', () => {
    see([probed('web', { dwell: '30s' })]);
    probes.put('web', { api: { failing: 'x' } });
    probes.put('web', { api: {} });
    clock.pass(29_999);
    expect(board.levelOf('web')).toBe('CRITICAL');
    clock.pass(1);
    expect(board.levelOf('web')).toBe('HEALTHY');
    expect(told()).toEqual(['web CRITICAL', '* CRITICAL', 'web HEALTHY', '* HEALTHY']);
  });

  it('take the dwell of the policy, where the service says none', () => {
    const all = [probed('web')];
    const given = desired(all);
    const policy = { ...given.policy, written: { health: { dwell: '1m' } } };
    board.see({ ...given, policy }, new Map([['builtin', read(actual(probed('web')))]]));
    probes.put('web', { api: { failing: 'x' } });
    probes.put('web', { api: {} });
    clock.pass(59_999);
    expect(board.levelOf('web')).toBe('CRITICAL');
    clock.pass(1);
    expect(board.levelOf('web')).toBe('HEALTHY');
  });

  it('of a group and of the host are those of the worst', () => {
    const all = [
      service('a', { group: 'one' }),
      service('b', { group: 'one' }),
      service('c', { group: 'two' }),
      service('d'),
    ];
    see(all);
    board.note('b', { to: 'BACKOFF' });
    expect([...board.groups()]).toEqual([
      ['one', 'DEAD'],
      ['two', 'HEALTHY'],
    ]);
    expect(told()).toEqual(['b DEAD', 'one:* DEAD', '* DEAD']);
    see(all.filter(({ id }) => id !== 'b'));
    expect([...board.groups()]).toEqual([
      ['one', 'HEALTHY'],
      ['two', 'HEALTHY'],
    ]);
    expect(told()).toEqual(['b none', 'one:* HEALTHY', '* HEALTHY']);
  });

  it('say nothing of what is about to be started, or of what could not be read', () => {
    const all = [service('new'), service('web')];
    see(all, { new: undefined }, new Set(['new']));
    expect(board.levelOf('new')).toBeUndefined();
    board.see(desired(all), new Map([['builtin', { kind: 'unreadable', problem: { code: 'x', summary: 'x' } }]]));
    expect([board.levelOf('new'), board.levelOf('web')]).toEqual([undefined, 'HEALTHY']);
    see(all, { new: undefined });
    expect(board.levelOf('new')).toBe('DEAD');
  });

  it('are the same through a planned restart', () => {
    see([service('web')]);
    for (const to of ['STOPPING', 'STOPPED', 'STARTING', 'RUNNING']) board.note('web', { to });
    expect(told()).toEqual([]);
    expect(board.levelOf('web')).toBe('HEALTHY');
  });

  it('of a crash loop do not flap: DEAD until it has stayed up for dwell', () => {
    see([service('web')]);
    for (let i = 0; i < 100; i++) {
      board.note('web', { to: 'BACKOFF' });
      clock.pass(1000);
      board.note('web', { to: 'STARTING' });
      board.note('web', { to: 'RUNNING' });
      clock.pass(3000);
    }
    expect(told()).toEqual(['web DEAD', '* DEAD']);
  });
});

describe('causes', () => {
  const ng6 = { about: 'dependency', failing: 'no answer within 3s' } as const;
  const engine = probed('engine', {
    health: [
      { name: 'ng6', tcp: { address: 'h:1' }, about: 'dependency' },
      { name: 'api', tcp: { address: 'h:2' } },
    ],
  });

  it('are told with what they make of the level, and their end with a grace', () => {
    const db = service('db');
    const web = probed('web', { requires: ['db'] });
    see([db, web]);
    probes.put('web', { api: {} });
    board.note('db', { to: 'HELD', reason: '5 restarts within 10m' });
    expect(board.causeOf('web')).toMatchObject({ on: 'db', since: clock.now(), why: 'HELD: 5 restarts within 10m' });
    expect(told()).toEqual(['db DEAD', 'web waiting-for db', 'web DEGRADED', '* DEAD']);
    probes.put('web', { api: { failing: 'status 500' } });
    expect(board.levelOf('web')).toBe('DEGRADED');
    expect(board.failing('web').map(({ probe }) => probe.name)).toEqual(['api']);
    board.note('db', { to: 'RUNNING' });
    clock.pass(9999);
    expect(board.causeOf('web')?.on).toBe('db');
    expect(probes.renewed).toEqual([]);
    clock.pass(1);
    expect(probes.renewed).toEqual(['web']);
    expect(board.causeOf('web')).toBeUndefined();
    // Its own probe has no verdict yet: it is not HEALTHY by that, and not CRITICAL either.
    clock.pass(60_000);
    expect(board.levelOf('web')).toBe('DEGRADED');
    probes.put('web', { api: {} });
    clock.pass(10_000);
    expect(told()).toEqual(['db HEALTHY', 'web waiting-over db', '* DEGRADED', 'web HEALTHY', '* HEALTHY']);
  });

  it('are none of what is only started after another, unless it is not well itself', () => {
    const all = [service('db'), service('web', { after: ['db'], written: probed('web').written })];
    see(all);
    probes.put('web', { api: {} });
    board.note('db', { to: 'FATAL' });
    expect(board.causeOf('web')).toBeUndefined();
    probes.put('web', { api: { failing: 'x' } });
    expect(board.causeOf('web')?.on).toBe('db');
    expect(board.levelOf('web')).toBe('DEGRADED');
    probes.put('web', { api: {} });
    clock.pass(10_000);
    expect(board.causeOf('web')).toBeUndefined();
    expect(board.levelOf('web')).toBe('HEALTHY');
  });

  it('stay while the service that waits is restarted, and end when it is not to run', () => {
    see([engine]);
    probes.put('engine', { ng6, api: {} });
    expect(told()).toEqual(['engine waiting-for ng6', 'engine DEGRADED', '* DEGRADED']);
    board.note('engine', { to: 'BACKOFF' });
    probes.known.clear();
    board.note('engine', { to: 'STARTING' });
    board.note('engine', { to: 'RUNNING' });
    probes.put('engine', { ng6: { about: 'dependency', unknown: true }, api: { unknown: true } });
    expect(board.causeOf('engine')?.on).toBe('ng6');
    expect(told()).toEqual(['engine DEAD', '* DEAD']);
    see([{ ...engine, state: 'stopped' }], { engine: STOPPED });
    expect(told()).toEqual(['engine waiting-over ng6', 'engine none', '* none']);
  });

  it('the incident: an upstream is down for 10 hours, and the engine fails by it; nothing of that is ever its own', () => {
    const scanner = probed('scanner', { requires: ['engine'] });
    see([engine, scanner]);
    probes.put('engine', { ng6: { about: 'dependency' }, api: {} });
    probes.put('scanner', { api: {} });
    probes.put('engine', { ng6, api: {} });
    const since = clock.now();
    const own: string[] = [];
    for (let second = 0; second < 36_000; second += 2) {
      probes.put('engine', { ng6, api: second % 20 < 12 ? { failing: 'status 503' } : {} });
      clock.pass(2000);
      if (second % 600 === 0) see([engine, scanner]);
      for (const id of ['engine', 'scanner']) if (board.causeOf(id)?.on !== 'ng6') own.push(id);
    }
    expect(own).toEqual([]);
    expect(board.causeOf('engine')).toEqual({ kind: 'probe', on: 'ng6', since, why: 'no answer within 3s', via: [] });
    expect(board.causeOf('scanner')?.via).toEqual(['engine']);
    expect(board.levelOf('engine')).toBe('DEGRADED');
    expect(told()).toEqual([
      'engine waiting-for ng6',
      'engine DEGRADED',
      'scanner waiting-for ng6',
      'scanner DEGRADED',
      '* DEGRADED',
    ]);
    expect(probes.renewed).toEqual([]);
    probes.put('engine', { ng6, api: { failing: 'status 503' } });
    probes.put('engine', { ng6: { about: 'dependency' }, api: { failing: 'status 503' } });
    expect(probes.renewed).toEqual(['engine', 'scanner']);
    expect(probes.probes('engine').map(({ verdict }) => verdict.kind)).toEqual(['passing', 'unknown']);
    expect(told()).toEqual(['engine waiting-over ng6', 'scanner waiting-over ng6']);
    probes.put('engine', { ng6: { about: 'dependency' }, api: {} });
    clock.pass(10_000);
    expect(told()).toEqual(['engine HEALTHY', 'scanner HEALTHY', '* HEALTHY']);
    // What fails from now on is its own.
    probes.put('engine', { ng6: { about: 'dependency' }, api: { failing: 'status 500' } });
    expect(board.levelOf('engine')).toBe('CRITICAL');
    expect(board.causeOf('scanner')).toMatchObject({ on: 'engine', why: 'it is CRITICAL: api: status 500' });
  });
});

it('is cheap: a change of one of 1,000 services that all need one, and that one itself', () => {
  const all = [
    service('hub'),
    ...Array.from({ length: 999 }, (_, i) => service(`s${i}`, { written: { requires: ['hub'] } })),
  ];
  see(all);
  const begin = performance.now();
  for (let i = 0; i < 1000; i++) board.note(`s${i % 999}`, { to: i % 2 === 0 ? 'BACKOFF' : 'RUNNING' });
  for (let i = 0; i < 20; i++) {
    board.note('hub', { to: 'FATAL' });
    board.note('hub', { to: 'RUNNING' });
    clock.pass(10_000);
  }
  for (let i = 0; i < 20; i++) see(all);
  // 20 looks at all, 40 changes that are about all, 1,000 about one: a fraction of that on an idle core.
  expect(performance.now() - begin).toBeLessThan(3000);
  clock.pass(30_000);
  expect(board.host().services.HEALTHY).toBe(1000);
});
