import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blameOf, causeOf, graphOf, isFit, type Known } from '../../../src/health/cause.ts';
import type { Life } from '../../../src/health/level.ts';
import type { Service } from '../../../src/model.ts';
import { service } from '../planner/make.ts';
import { state } from './make.ts';

const UP: Life = { kind: 'up' };
const DOWN: Life = { kind: 'down', why: 'FATAL: no' };
const IDLE: Life = { kind: 'idle', why: 'it is stopped' };
const NG6 = { name: 'ng6', tcp: { address: 'h:1' }, about: 'dependency' } as const;

/** The causes of all services, each as it is given; well where it is not. */
function causes(services: readonly Service[], given: Readonly<Record<string, Partial<Known>>>) {
  const graph = graphOf(services);
  const known = new Map<string, Known>();
  const look = (id: string) => known.get(id);
  for (const { id } of services) {
    const one = {
      life: UP,
      level: 'HEALTHY' as const,
      probes: [],
      blame: undefined,
      unfitSince: undefined,
      ...given[id],
    };
    known.set(id, one);
  }
  for (const id of graph.order) {
    const needs = graph.needs.get(id);
    const one = known.get(id);
    if (needs && one) known.set(id, { ...one, blame: blameOf(id, needs, look) });
  }
  return Object.fromEntries(services.map(({ id }) => [id, causeOf(id, graph, look)]));
}

const requires = (name: string, ...names: string[]) => service(name, { written: { requires: names } });

describe('the cause', () => {
  it('is its own dependency probe that fails', () => {
    const engine = service('engine', { written: { health: [NG6] } });
    const probes = [
      state('api', { failing: 'status 503' }),
      state('ng6', { about: 'dependency', failing: 'x', since: 7 }),
    ];
    expect(causes([engine], { engine: { probes } }).engine).toEqual({
      ...{ kind: 'probe', on: 'ng6', since: 7, why: 'x', via: [] },
    });
    expect(causes([engine], { engine: { probes: probes.slice(0, 1) } }).engine).toBeUndefined();
  });

  it('stays that probe while nobody can ask it: its process has ended, and is to be started again', () => {
    const engine = service('engine', { written: { health: [NG6] } });
    const blame = { kind: 'probe', probe: 'ng6', since: 7, why: 'x' } as const;
    const of = (more: Partial<Known>) => causes([engine], { engine: { blame, ...more } }).engine?.on;
    expect(of({ life: { ...DOWN, returns: true } })).toBe('ng6');
    expect(of({ life: { kind: 'between' } })).toBe('ng6');
    expect(of({ probes: [state('ng6', { about: 'dependency', unknown: true })] })).toBe('ng6');
    expect(of({ probes: [state('ng6', { about: 'dependency' })] })).toBeUndefined();
    expect(of({ life: DOWN })).toBeUndefined();
    expect(causes([service('engine')], { engine: { blame, life: { kind: 'between' } } }).engine).toBeUndefined();
  });

  it('is what it requires, where that is down or not well, though it has noticed nothing itself', () => {
    const both = [requires('web', 'db'), service('db')];
    const of = (db: Partial<Known>) => causes(both, { db: { unfitSince: 5, ...db } }).web;
    expect(of({ life: DOWN })).toEqual({ kind: 'service', on: 'db', since: 5, why: 'FATAL: no', via: [] });
    expect(of({ life: IDLE })?.why).toBe('it is stopped');
    expect(of({ level: 'DEAD' })?.why).toBe('it is DEAD');
    expect(of({ level: 'CRITICAL', probes: [state('ping', { failing: 'x' })] })?.why).toBe('it is CRITICAL: ping: x');
    expect(of({ level: 'DEGRADED' })).toBeUndefined();
    expect(of({ level: undefined, life: { kind: 'between' } })).toBeUndefined();
    expect(of({ life: { kind: 'done' }, level: undefined })).toBeUndefined();
  });

  it('is the root of a chain, by way of those between', () => {
    const probes = [state('disk', { about: 'dependency', failing: 'x', since: 3 })];
    const all = [requires('a', 'b'), requires('b', 'c'), service('c', { written: { health: [NG6] } })];
    expect(causes(all, { c: { probes } })).toMatchObject({
      a: { kind: 'probe', on: 'disk', since: 3, via: ['b', 'c'] },
      b: { on: 'disk', via: ['c'] },
      c: { on: 'disk', via: [] },
    });
  });

  it('of several instances is that none is fit: one is enough', () => {
    const all = [requires('web', 'db'), service('db', { instance: 1 }), service('db', { instance: 2 })];
    expect(causes(all, { 'db@1': { life: DOWN } }).web).toBeUndefined();
    const [first, second] = [{ life: DOWN, unfitSince: 5 }, { level: 'DEAD', unfitSince: 9 } as const];
    expect(causes(all, { 'db@1': first, 'db@2': second }).web).toMatchObject({ on: 'db', since: 9, why: 'it is DEAD' });
  });

  it('is what it is started after where that does not run at all, and it is not well itself', () => {
    const all = [service('web', { after: ['db'] }), service('db')];
    const sick = { probes: [state('api', { failing: 'x' })] };
    expect(causes(all, { db: { life: DOWN } }).web).toBeUndefined();
    expect(causes(all, { db: { life: DOWN }, web: sick }).web).toMatchObject({ on: 'db' });
    expect(causes(all, { db: { life: DOWN }, web: { life: DOWN } }).web).toMatchObject({ on: 'db' });
    // It is started again and again, and not well in between.
    expect(causes(all, { db: { life: DOWN }, web: { level: 'DEAD' } }).web).toMatchObject({ on: 'db' });
    expect(causes(all, { db: { level: 'DEAD' }, web: sick }).web).toBeUndefined();
    expect(causes(all, { db: { life: { kind: 'between' } }, web: sick }).web).toBeUndefined();
  });

  it('is none for what is not meant to run', () => {
    expect(
      causes([requires('web', 'db'), service('db')], { web: { life: IDLE }, db: { life: DOWN } }).web,
    ).toBeUndefined();
  });

  it('ends at a circle, which files can make of both kinds of needs', () => {
    const all = [service('a', { after: ['b'] }), requires('b', 'a')];
    expect(causes(all, { a: { life: DOWN }, b: { life: DOWN } })).toMatchObject({ a: { on: 'b' }, b: { on: 'a' } });
    const round = [requires('a', 'b'), requires('b', 'c'), requires('c', 'a')];
    expect(causes(round, { a: { life: DOWN } })).toMatchObject({ a: { on: 'b' }, c: { on: 'a' } });
  });
});

describe('laws, whatever needs whatever', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const some = fc.subarray(names);
  const life = fc.constantFrom<Life>(UP, DOWN, IDLE, { kind: 'between' }, { kind: 'done' });
  const level = fc.constantFrom('HEALTHY' as const, 'CRITICAL' as const, undefined);
  const all = fc.array(fc.record({ requires: some, after: some, life, level }), { minLength: 5, maxLength: 5 });
  const story = (isRound: boolean) =>
    all.map((all) => {
      const services = all.map(({ requires, after }, i) => {
        const allowed = requires.filter((other) => isRound || other > (names[i] ?? ''));
        return service(names[i] ?? '', { after, written: { requires: allowed } });
      });
      const given = Object.fromEntries(all.map(({ life, level }, i) => [names[i] ?? '', { life, level }]));
      return { given, found: Object.entries(causes(services, given)) };
    });

  it('an end is found that is another service, by a way that meets none twice', () => {
    fc.assert(
      fc.property(story(true), ({ found }) => {
        for (const [id, cause] of found) {
          if (cause === undefined) continue;
          expect(new Set([id, ...cause.via, cause.on]).size).toBe(cause.via.length + 2);
        }
      }),
    );
  });

  it('the end is unfit by itself, where what is required goes round in no circle', () => {
    fc.assert(
      fc.property(story(false), ({ given, found }) => {
        for (const [, cause] of found) {
          const root = cause && given[cause.on];
          if (root && cause.via.length > 0) expect(isFit({ ...root, blame: undefined })).toBe(false);
        }
      }),
    );
  });
});

it('orders each service behind all that it requires, and finds all that depend on one', () => {
  const graph = graphOf([requires('a', 'b'), requires('b', 'c'), service('c'), service('d', { after: ['a'] })]);
  expect(graph.order).toEqual(['c', 'b', 'a', 'd']);
  expect(graph.affected(['b'])).toEqual(['b', 'a', 'd']);
  expect(graph.affected(['d', 'nobody'])).toEqual(['d']);
});
