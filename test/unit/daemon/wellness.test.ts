import { expect, it } from 'vitest';
import { keepWellness } from '../../../src/daemon/wellness.ts';
import { UNPROBED } from '../../../src/health/board.ts';
import type { HealthState, Observed, Plan, Report } from '../../../src/model.ts';
import type { Prepared } from '../../../src/prepare.ts';
import { actual, desired, planned, read, service } from '../planner/make.ts';

const unprobed = { ...UNPROBED, state: (): HealthState => ({ kind: 'none' }) };
const web = service('web');
const all = desired([web]);
const absent: Observed = new Map([['builtin', read()]]);
const there: Observed = new Map([['builtin', read(actual(web))]]);
const prepared = (plan: Plan) => ({ desired: all, observed: absent, plan }) as Prepared;
const report = (plan: Plan) => ({ plan, steps: plan.steps.map((step) => ({ step })), took: 0 }) as unknown as Report;

it('misses nothing that a run is about to make, whoever looks meanwhile', async () => {
  const wellness = keepWellness(unprobed);
  const { board } = wellness;
  const plan = planned([web], absent);
  await wellness.around(async () => {
    wellness.see(all, absent);
    expect(board.levelOf('web')).toBeUndefined();
    wellness.begin(prepared(plan));
    wellness.see(all, absent);
    expect(board.levelOf('web')).toBeUndefined();
    await wellness.end(report(plan), async () => there);
  });
  expect(board.levelOf('web')).toBe('HEALTHY');
  wellness.see(all, absent);
  expect(board.levelOf('web')).toBe('DEAD');
});

it('misses it where the run has not made it, or came to no end', async () => {
  const plan = planned([web], absent);
  const made = keepWellness(unprobed);
  await made.around(async () => {
    made.begin(prepared(plan));
    await made.end(report(plan), async () => absent);
  });
  expect(made.board.levelOf('web')).toBe('DEAD');
  const ended = keepWellness(unprobed);
  const run = ended.around(async () => {
    ended.begin(prepared(plan));
    throw new Error('no');
  });
  await expect(run).rejects.toThrow('no');
  ended.see(all, absent);
  expect(ended.board.levelOf('web')).toBe('DEAD');
});

it('does not miss what may not be made yet', async () => {
  const wellness = keepWellness(unprobed);
  const waits = { action: 'create', effect: 'start' } as const;
  const held = [{ service: 'web', reason: { kind: 'observed', waits } }] as unknown as Plan['held'];
  const plan: Plan = { ...planned([web], absent), steps: [], held };
  await wellness.around(async () => {
    wellness.begin(prepared(plan));
    await wellness.end(report(plan), async () => absent);
  });
  wellness.see(all, absent);
  expect(wellness.board.levelOf('web')).toBeUndefined();
});
