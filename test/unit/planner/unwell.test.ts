import { describe, expect, it } from 'vitest';
import { controlOf, type Decided } from '../../../src/control/index.ts';
import type { Policy, Service } from '../../../src/model.ts';
import type { Unwell } from '../../../src/planner/unwell.ts';
import { type PlanInput, plan } from '../../../src/planner.ts';
import { actual, input, read, STOPPED, service } from './make.ts';

const web = service('web');
const restart: Unwell = { act: 'restart', probe: 'api', why: 'status 503' };
const stop: Unwell = { act: 'stop', probe: 'api', why: 'status 503', at: 5 };
const reason = { kind: 'unhealthy', probe: 'api', why: 'status 503' };
const running = read(actual(web));
const stopped = read(actual(web, STOPPED));

const planOf = (unwell: Unwell, observed = running, one: Service = web, more: Partial<PlanInput> = {}) =>
  plan({ ...input([one], observed), unwell: new Map([[one.id, unwell]]), ...more });

const controlledBy = (decided: Partial<Decided>, written: Policy['written'] = {}): Partial<PlanInput> => {
  const base = input([web], running);
  const desired = { ...base.desired, policy: { ...base.desired.policy, written } };
  const control = controlOf(desired, { freezes: [], approvals: [], ...decided });
  return { desired, ...(control === undefined ? {} : { control }) };
};

describe('a service with a failing probe', () => {
  it('is restarted, and the plan says for which', () => {
    expect(planOf(restart).steps).toMatchObject([{ id: 'restart:web', effect: 'restart', reason }]);
  });

  it('is stopped, and stays so', () => {
    expect(planOf(stop).steps).toMatchObject([{ id: 'stop:web', effect: 'stop', reason }]);
    const after = planOf(stop, stopped);
    expect(after.steps).toEqual([]);
    expect(after.held).toMatchObject([{ reason: { kind: 'stopped-for', probe: 'api', why: 'status 503', at: 5 } }]);
  });

  it('is started where a person asks for it', () => {
    expect(planOf(stop, stopped, web, { asked: new Set(['web']) }).steps).toMatchObject([{ id: 'start:web' }]);
  });

  it('is started where it does not run: there is nothing to restart', () => {
    expect(planOf(restart, stopped).steps).toMatchObject([{ id: 'start:web' }]);
  });

  it('is not restarted twice where Git has it restarted anyhow', () => {
    const changed = service('web', { written: { environment: { A: '1' } } });
    expect(planOf(restart, running, changed).steps.map(({ id }) => id)).toEqual(['replace:web']);
  });

  it('is stopped for good where it is to be stopped, and not held for its probe', () => {
    const off = service('web', { state: 'stopped', autostart: false });
    expect(planOf(stop, stopped, off)).toMatchObject({ steps: [], held: [] });
  });

  it('is kept well whatever waits for a window, a freeze or an approval', () => {
    const shut = { shut: () => ({ why: 'not now', until: 5000 }), next: () => 5000 };
    const frozen = { name: '*', by: 'ann', why: 'audit', since: 1 };
    for (const decided of [{ windows: shut }, { freezes: [frozen] }])
      expect(planOf(restart, running, web, controlledBy(decided)).steps).toMatchObject([{ id: 'restart:web' }]);
    const confirmed = service('web', { written: { confirm: true } });
    expect(planOf(restart, running, confirmed).steps).toMatchObject([{ id: 'restart:web' }]);
  });

  it('is only told with mode: observe', () => {
    const seen = planOf(restart, running, web, controlledBy({}, { mode: 'observe' }));
    expect(seen.steps).toEqual([]);
    expect(seen.held).toMatchObject([
      { reason: { kind: 'observed', waits: { action: 'restart', effect: 'restart' } } },
    ]);
  });
});
