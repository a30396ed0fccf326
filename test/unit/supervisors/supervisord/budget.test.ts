import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Budget } from '../../../../src/supervisors/supervisord/budget.ts';

let folder: string;
let budget: Budget;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-budget-'));
  budget = new Budget(folder, 'dolphin');
});
afterEach(() => rmSync(folder, { recursive: true }));

const RULES = { limit: { restarts: 2, within: 1000 } };
const SPENT = { since: 1, until: 2, reason: 'too often' };

it('is spent by one restart more than allowed within the time', () => {
  expect([0, 100, 200].map((at) => budget.count('web', at, RULES))).toEqual([false, false, true]);
  expect(budget.restarts('web')).toBe(3);
});

it('forgets restarts that are longer ago, and counts each service by itself', () => {
  expect([0, 100, 1050].map((at) => budget.count('web', at, RULES))).toEqual([false, false, false]);
  expect(budget.count('worker', 1060, RULES)).toBe(false);
});

it('remembers what is spent across processes, until it is renewed', () => {
  budget.hold('web', SPENT);
  budget.hold('worker', SPENT);
  expect(new Budget(folder, 'dolphin').spent()).toEqual({ web: SPENT, worker: SPENT });
  expect(new Budget(folder, 'whale').spent()).toEqual({});
  budget.renew('web');
  budget.release('worker');
  expect(new Budget(folder, 'dolphin').spent()).toEqual({});
});

it('has what is left of its count after a trial, and a whole one after somebody said something of it', () => {
  for (const at of [0, 100, 200]) budget.count('web', at, RULES);
  budget.release('web');
  expect(budget.count('web', 300, RULES)).toBe(true);
  budget.renew('web');
  expect(budget.count('web', 400, RULES)).toBe(false);
});

it('begins anew where its file is damaged', () => {
  budget.hold('web', SPENT);
  writeFileSync(join(folder, 'supervisord/dolphin.json'), '{"web":');
  expect(budget.spent()).toEqual({});
  budget.hold('web', SPENT);
  expect(budget.spent()).toEqual({ web: SPENT });
});
