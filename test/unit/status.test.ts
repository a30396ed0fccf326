import { expect, it } from 'vitest';
import type { Actual, Desired, Observed, Run, Service } from '../../src/model.ts';
import { statusOf, unprobed } from '../../src/status.ts';

const service = (more: Partial<Service> = {}): Service =>
  ({
    ...{ id: 'web', name: 'web', supervisor: 'builtin', state: 'running', autostart: true, after: [], formerly: [] },
    ...{ changes: 'now', inputs: {}, file: 'services/web.yaml', group: 'front' },
    written: { supervisor: 'builtin', command: ['web'] },
    ...more,
  }) as Service;
const desiredOf = (one: Service): Desired => ({
  revision: { content: 'abc' },
  policy: { owner: 'default', prune: { kind: 'off' }, written: {} },
  services: [one],
  instances: [],
  locate: () => undefined,
});
const actual = (run: Run, owner: Actual['owner'] = { kind: 'ours' }): Actual => ({
  ...{ kind: 'actual', id: 'web', owner, definition: { hash: 'h', fields: {} }, run, restarts: 0 },
});
const rowOf = (one: Service, observed: Observed) => {
  const desired = desiredOf(one);
  return statusOf(desired, observed, unprobed(desired, observed))[0];
};
const missing = (one: Service, ...objects: readonly Actual[]) =>
  rowOf(one, new Map([['builtin', { kind: 'read', objects }]]))?.missing;
const never = service({ written: { supervisor: 'builtin', command: ['web'], restart: { policy: 'never' } } });
const exit = { kind: 'code', code: 1 } as const;
const problem = { code: 'x', summary: 'no permission' };

it.each([
  ['running', false, service(), { kind: 'running', pid: 7, since: 0, definition: 'current' }],
  ['starting', false, service(), { kind: 'starting', pid: 7, since: 0, definition: 'current' }],
  ['waiting to be started again', true, service(), { kind: 'backoff', until: 0, exit }],
  ['FATAL', true, service(), { kind: 'fatal', at: 0, exit, reason: '' }],
  ['HELD', true, service(), { kind: 'held', until: 0, exit, reason: '' }],
  ['being stopped', true, service(), { kind: 'stopping', pid: 7 }],
  ['stopped by hand', true, service(), { kind: 'stopped', started: true }],
  ['down since a boot that was to start it', true, service(), { kind: 'stopped', started: false }],
  ['waiting for a first start', false, service({ autostart: false }), { kind: 'stopped', started: false }],
  ['stopped after a first start', true, service({ autostart: false }), { kind: 'stopped', started: true }],
  ['ended as its policy allows', false, never, { kind: 'exited', exit, at: 0 }],
  ['ended as its policy does not allow', true, service(), { kind: 'exited', exit, at: 0 }],
  ['not to run', false, service({ state: 'stopped' }), { kind: 'stopped', started: true }],
  ['left as found', false, service({ state: 'manual' }), { kind: 'stopped', started: true }],
] as const)('takes what is %s for missing: %s', (_, is, one, run) => {
  expect(missing(one, actual(run))).toBe(is);
});

it('takes what is not there, belongs to others or could not be read for missing', () => {
  expect(missing(service())).toBe(true);
  expect(missing(service({ autostart: false }))).toBe(false);
  expect(missing(service(), actual({ kind: 'stopped', started: true }, { kind: 'foreign', owner: 'b' }))).toBe(true);
  expect(rowOf(service(), new Map([['builtin', { kind: 'unreadable', problem }]]))).toMatchObject({
    state: 'UNREADABLE',
    missing: true,
    group: 'front',
  });
  expect(rowOf(service({ state: 'stopped' }), new Map([['builtin', { kind: 'unreadable', problem }]]))?.missing).toBe(
    false,
  );
});

it('what is only observed is not missing where it is not there; what it may take the place of is told as it runs', () => {
  const observed = service({ written: { supervisor: 'builtin', command: ['web'], mode: 'observe' } });
  expect(missing(observed)).toBe(false);
  expect(rowOf(observed, new Map([['builtin', { kind: 'read', objects: [] }]]))?.note).toContain('mode: observe');
  const owner = { kind: 'foreign', owner: '/etc/systemd/system/web.service', superseded: true } as const;
  const run: Run = { kind: 'running', pid: 7, since: 0, definition: 'unknown' };
  expect(rowOf(observed, new Map([['builtin', { kind: 'read', objects: [actual(run, owner)] }]]))).toMatchObject({
    state: 'RUNNING',
    pid: 7,
    missing: false,
    note: expect.stringContaining('/etc/systemd/system/web.service still'),
  });
});
