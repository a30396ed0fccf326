import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appliedAfter, appliedNow } from '../../../src/control/applied.ts';
import { approve, readApprovals, saveApprovals, stillOpen, unused } from '../../../src/control/approvals.ts';
import { type Freeze, freezeOf, frozenAlso, nextThaw, readFreezes, saveFreezes } from '../../../src/control/freeze.ts';
import { approveWaiting } from '../../../src/control/keep.ts';
import type { Held, Plan, Report } from '../../../src/model.ts';
import { plan } from '../../../src/planner.ts';
import { actual, FATAL, input, RUNNING, read, service } from '../planner/make.ts';

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'reconciled-control-'));
  mkdirSync(join(state, 'decisions'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const freeze = (name: string, more: Partial<Freeze> = {}): Freeze => ({
  name,
  by: 'ann',
  why: 'audit',
  since: 1,
  ...more,
});

describe('freezes', () => {
  it('ends by itself', () => {
    saveFreezes(state, [freeze('web', { until: 100 }), freeze('*')]);
    expect(readFreezes(state, 99).map(({ name }) => name)).toEqual(['*', 'web']);
    expect(readFreezes(state, 100).map(({ name }) => name)).toEqual(['*']);
    expect(nextThaw([freeze('a', { until: 9 }), freeze('b'), freeze('c', { until: 7 })])).toBe(7);
  });

  it('fails where it is damaged: that is not the same as nothing', () => {
    writeFileSync(join(state, 'decisions', 'freeze.json'), '[{"name":"web"}]');
    expect(() => readFreezes(state, 0)).toThrow(/can't be read/);
  });

  it('is about a name, its former names, and a group with whoever was in it', () => {
    const group = freeze('dolphin:*', { members: ['web'] });
    const is = (...args: Parameters<typeof freezeOf>) => freezeOf(...args) !== undefined;
    expect(is([group], { name: 'api', group: 'dolphin' })).toBe(true);
    expect(is([group], { name: 'web' })).toBe(true);
    expect(is([group], { name: 'db', group: 'shark' })).toBe(false);
    expect(is([freeze('web')], { name: 'site', formerly: ['web'] })).toBe(true);
    expect(is([freeze('*')], { name: 'gone' })).toBe(true);
  });

  it('is told of the one that lasts longest, and one that is said again is as said last', () => {
    const [short, long] = [freeze('web', { until: 5 }), freeze('*', { until: 9 })];
    expect(freezeOf([short, long], { name: 'web' })).toBe(long);
    expect(freezeOf([short, freeze('*')], { name: 'web' })?.until).toBeUndefined();
    expect(frozenAlso([freeze('web'), long], [short])).toEqual([long, short]);
  });
});

describe('approvals', () => {
  const held = (name: string, work: string): Held => ({
    service: name,
    supervisor: 'builtin',
    reason: { kind: 'approval', plan: 'p1', work, waits: { action: 'replace', effect: 'restart' } },
  });
  const asPlan = (...all: readonly Held[]) => ({ steps: [], held: all }) as unknown as Plan;

  it('is of what waits now, and of nothing else', () => {
    const waiting = asPlan(held('web', 'w1'), held('db', 'd1'));
    expect(() => approveWaiting(state, { approvals: [] }, waiting, { plan: 'p0', by: 'ann' })).toThrow(
      'cannot approve p0: what waits now is p1, for web, db; nothing was done',
    );
    expect(() => approveWaiting(state, { approvals: [] }, asPlan(), { plan: 'p1', by: 'ann' })).toThrow(
      'cannot approve p1: nothing waits for an approval; nothing was done',
    );
    expect(readApprovals(state)).toEqual([]);
    approveWaiting(state, { approvals: [] }, waiting, { plan: 'p1', by: 'ann' });
    expect(readApprovals(state)).toMatchObject([
      { service: 'web', work: 'w1', plan: 'p1', by: 'ann' },
      { service: 'db', work: 'd1', plan: 'p1', by: 'ann' },
    ]);
  });

  it('keeps one a service, and forgets it once nothing can come of it', () => {
    const first = approve([], asPlan(held('web', 'w1')), { by: 'ann', at: 1 });
    const second = approve(first, asPlan(held('web', 'w2')), { by: 'bob', at: 2 });
    expect(second).toEqual([{ service: 'web', work: 'w2', plan: 'p1', by: 'bob', at: 2 }]);
    const all = () => true;
    // What waits for another approval is other work.
    expect(stillOpen(second, asPlan(held('web', 'w3')), all)).toEqual([]);
    expect(stillOpen(second, asPlan(), all)).toEqual([]);
    expect(stillOpen(second, asPlan(), () => false)).toEqual(second);
    const window: Held = {
      ...held('web', 'w2'),
      reason: { kind: 'window', why: 'x', waits: { action: 'start', effect: 'start' } },
    };
    expect(stillOpen(second, asPlan(window), all)).toEqual(second);
    const report = (kind: 'done' | 'skipped') =>
      ({ steps: [{ step: { service: 'web' }, outcome: { kind } }] }) as unknown as Report;
    expect([unused(second, report('skipped')), unused(second, report('done'))]).toEqual([second, []]);
    saveApprovals(state, [], second);
    expect(readApprovals(state)).toEqual(second);
  });
});

describe('what ran before a boot', () => {
  it('is remembered while it runs, and while it is not there at all', () => {
    const [web, db] = [service('web'), service('db')];
    const hash = actual(web).definition.hash ?? '';
    const declared = new Set(['web', 'db']);
    const both = appliedNow(new Map(), new Map([['builtin', read(actual(web), actual(db, FATAL))]]), declared);
    expect(both).toEqual(new Map([['web', hash]]));
    // Just after a boot nothing is there.
    expect(appliedNow(both, new Map([['builtin', read()]]), declared)).toEqual(both);
    expect(
      appliedNow(both, new Map([['builtin', { kind: 'unreadable', problem: { code: 'x', summary: 'x' } }]]), declared),
    ).toBe(both);
    expect(appliedNow(both, new Map([['builtin', read()]]), new Set())).toEqual(new Map());
    // What runs from something else than its definition is not known well enough.
    const stale = actual(web, { ...RUNNING, definition: 'stale' });
    expect(appliedNow(both, new Map([['builtin', read(stale)]]), declared)).toEqual(new Map());
  });

  it('is what an apply has made of it', () => {
    const given = input([service('web'), service('db', { state: 'stopped' })], read(actual(service('db'))));
    const { steps } = plan(given);
    const report = { steps: steps.map((step) => ({ step, outcome: { kind: 'done' }, took: 1 })) } as unknown as Report;
    const after = appliedAfter(new Map([['db', 'x']]), report);
    expect([...after.keys()]).toEqual(['web']);
  });
});
