import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Budgets } from '../../../src/restarts/book.ts';
import { budgetsOf } from '../../../src/restarts/budgets.ts';
import { readBreaker, releaseBreaker } from '../../../src/restarts/decision.ts';
import { openRestarts, type RestartsEvent } from '../../../src/restarts/restarts.ts';
import { service } from '../planner/make.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-restarts-'));
  mkdirSync(join(folder, 'state/decisions'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const events: RestartsEvent[] = [];
const open = () => {
  events.length = 0;
  return openRestarts({
    runtimeDir: join(folder, 'run'),
    stateDir: join(folder, 'state'),
    random: () => 0.5,
    onEvent: (event) => events.push(event),
  });
};
const host = (restarts: number): Budgets => ({
  groupOf: new Map(),
  groups: new Map(),
  host: { restarts, within: 60_000 },
  cooldown: 60_000,
});
const file = () => join(folder, 'run/restarts.json');

it('counts go on in the next process, whatever it is asked first', () => {
  {
    using restarts = open();
    for (let i = 0; i < 6; i += 1) restarts.note('web', 'supervisor');
    expect(restarts.hold('web')).toMatchObject({ kind: 'held', scope: 'service' });
  }
  using next = open();
  expect(next.hold('web')).toMatchObject({ kind: 'held' });
  expect(next.account('web').restarts).toBe(5);
});

it('is written behind, and at once where that is asked for', () => {
  using restarts = open();
  restarts.note('web', 'supervisor');
  expect(existsSync(file())).toBe(false);
  restarts.flush();
  expect(JSON.parse(readFileSync(file(), 'utf8')).accounts.web.restarts).toBe(1);
});

it('begins anew after a boot, and where its file is damaged', () => {
  {
    using restarts = open();
    restarts.note('web', 'supervisor');
  }
  const text = readFileSync(file(), 'utf8');
  for (const other of [text.replace(/"boot":"[^"]*"/, '"boot":"another"'), text.slice(0, 40), '[]']) {
    writeFileSync(file(), other);
    using restarts = open();
    expect(restarts.account('web').restarts).toBe(0);
  }
});

it('keeps the breaker apart, tells what becomes of it, and hears that a person closed it', () => {
  using restarts = open();
  restarts.budget(host(2), new Set(['web', 'api', 'db']));
  for (const id of ['web', 'api', 'db']) restarts.note(id, 'supervisor');
  expect(events).toMatchObject([
    { kind: 'breaker', to: 'open', why: 'services of this host were restarted 2 times within 1m' },
  ]);
  expect(readBreaker(join(folder, 'state'))).toMatchObject({ kind: 'open' });
  expect(restarts.ask('db', 'probe')).toMatchObject({ kind: 'refused', scope: 'host' });
  {
    using next = open();
    next.budget(host(2), new Set());
    expect(next.breaker().kind).toBe('open');
  }
  events.length = 0;
  expect(releaseBreaker(join(folder, 'state'))).toBe(true);
  expect(releaseBreaker(join(folder, 'state'))).toBe(false);
  restarts.look();
  expect(events).toEqual([{ kind: 'breaker', to: 'closed', by: 'hand' }]);
  expect(restarts.ask('web', 'probe').kind).not.toBe(undefined);
  expect(restarts.breaker().kind).toBe('closed');
});

it('a breaker that can not be kept is open all the same', () => {
  rmSync(join(folder, 'state'), { recursive: true });
  using restarts = open();
  restarts.budget(host(1), new Set(['web', 'api']));
  for (const id of ['web', 'api']) restarts.note(id, 'supervisor');
  expect(events.map(({ kind }) => kind)).toEqual(['trouble', 'breaker']);
  restarts.look();
  expect(restarts.breaker().kind).toBe('open');
});

it('a group has its own budget, or that of all groups, or none; a host one that grows with its services', () => {
  const services = [service('a', { group: 'x' }), service('b', { group: 'y' }), service('c')];
  const policy = (written: object) => ({ owner: 'default', prune: { kind: 'off' as const }, written });
  const none = budgetsOf({ policy: policy({}), services });
  expect(none).toEqual({
    groupOf: new Map([
      ['a', 'x'],
      ['b', 'y'],
    ]),
    groups: new Map(),
    host: { restarts: 100, within: 600_000 },
    cooldown: 300_000,
  });
  const many = Array.from({ length: 50 }, (_, i) => service(`s${i}`));
  expect(budgetsOf({ policy: policy({}), services: many }).host.restarts).toBe(150);
  const written = {
    budgets: { host: { restarts: 7, within: '1h' }, group: { restarts: 3, within: '1m' }, cooldown: '30s' },
    groups: { x: { budget: { restarts: 9, within: '2m' } } },
  };
  expect(budgetsOf({ policy: policy(written), services })).toMatchObject({
    groups: new Map([
      ['x', { restarts: 9, within: 120_000 }],
      ['y', { restarts: 3, within: 60_000 }],
    ]),
    host: { restarts: 7, within: 3_600_000 },
    cooldown: 30_000,
  });
});
