import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Actual, Run } from '../../../../src/model.ts';
import { Drift } from '../../../../src/supervisors/systemd/drift.ts';
import type { Manager, ManagerEvent } from '../../../../src/supervisors/systemd/manager.ts';
import { until } from '../../../rig/host.ts';

const RUNS: Readonly<Record<string, Run>> = {
  up: { kind: 'running', pid: 7, since: 0, definition: 'current' },
  backoff: { kind: 'backoff', until: 0, exit: { kind: 'code', code: 1 } },
  stopping: { kind: 'stopping', pid: 7 },
  down: { kind: 'stopped', started: true },
};

let folder: string;
let drift: Drift;
let nudges: number;
let tell: (event: ManagerEvent) => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-drift-'));
  nudges = 0;
  drift = new Drift();
  drift.hear({
    watch: (listener: typeof tell) => {
      tell = listener;
      return { [Symbol.dispose]: () => {} };
    },
  } as unknown as Manager);
  drift.start({ scope: 'system', unitDir: folder }, () => {
    nudges += 1;
  });
});
afterEach(() => {
  drift.stop();
  rmSync(folder, { recursive: true });
});

function actual(run: Run | undefined, path?: string): Actual {
  if (run === undefined) throw new Error('no such run');
  const files = path === undefined ? {} : { files: [{ path, text: '' }] };
  const definition = { hash: 'a', fields: {}, ...files };
  return { kind: 'actual', id: 'web', owner: { kind: 'ours' }, definition, run, restarts: 0 };
}

const changed = (active: string, unit = 'web.service'): ManagerEvent => ({
  kind: 'unit-changed',
  unit,
  active,
  sub: undefined,
  job: undefined,
  at: undefined,
});

it.each([
  ['up', 'inactive', 1],
  ['up', 'failed', 1],
  ['up', 'activating', 0],
  ['up', 'active', 0],
  ['down', 'active', 1],
  ['down', 'inactive', 0],
  ['down', 'failed', 0],
  // Where it comes to rest is not known yet.
  ['backoff', 'failed', 1],
  ['backoff', 'active', 1],
  ['stopping', 'inactive', 1],
  ['stopping', 'active', 1],
])('of a unit that was read %s, that it is %s is news: %i', (was, active, news) => {
  drift.follow([actual(RUNS[was])]);
  tell(changed(active));
  expect(nudges).toBe(news);
});

it('hears what happens while it is being read, and what that makes of the reading', () => {
  drift.follow([actual(RUNS.down)]);
  drift.begin();
  tell(changed('inactive'));
  expect(nudges).toBe(0);
  drift.follow([actual(RUNS.up)]);
  expect(nudges).toBe(1);

  drift.begin();
  tell(changed('inactive'));
  tell(changed('active'));
  expect(nudges).toBe(2);
  drift.follow([actual(RUNS.up)]);
  expect(nudges).toBe(2);
});

it('hears of what a unit was stopped together with', () => {
  drift.follow([actual({ kind: 'stopped', started: true, stoppedWith: 'db.service' })]);
  tell(changed('inactive', 'db.service'));
  expect(nudges).toBe(0);
  tell(changed('active', 'db.service'));
  expect(nudges).toBe(1);
});

it('does not care for units that are not ours', () => {
  drift.follow([actual(RUNS.up)]);
  tell(changed('inactive', 'other.service'));
  tell({ kind: 'job-ended', unit: 'web.service', path: '/1', result: 'done' });
  expect(nudges).toBe(0);
});

it.each(['unit-files-changed', 'reloaded', 'back'] as const)('looks anew on %s', (kind) => {
  tell({ kind });
  expect(nudges).toBe(1);
});

it('tells of a file that is written once, when it is whole', async () => {
  writeFileSync(join(folder, 'web.service'), '');
  appendFileSync(join(folder, 'web.service'), '[Service]\n');
  expect(nudges).toBe(0);
  await until(() => nudges === 1, 5);
  await sleep(60);
  expect(nudges).toBe(1);
});

it('watches the folders of drop-ins that are ours, also where one is replaced', async () => {
  const dropIns = join(folder, 'nginx.service.d');
  const path = join(dropIns, '50-reconciled.conf');
  mkdirSync(dropIns);
  writeFileSync(path, 'a');
  await until(() => nudges === 1, 5);
  drift.follow([actual(RUNS.up, path)]);
  writeFileSync(path, 'b');
  await until(() => nudges === 2, 5);

  rmSync(dropIns, { recursive: true });
  await until(() => nudges === 3, 5);
  mkdirSync(dropIns);
  writeFileSync(path, 'c');
  await until(() => nudges === 4, 5);
  drift.follow([actual(RUNS.up, path)]);
  writeFileSync(path, 'd');
  await until(() => nudges === 5, 5);
});
