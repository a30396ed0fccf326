import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Failure, type Problem } from '../../../../src/problem.ts';
import { openBus } from '../../../../src/supervisors/shared/bus.ts';
import { connectManager, type Manager, type ManagerEvent } from '../../../../src/supervisors/systemd/manager.ts';
import { until } from '../../../rig/host.ts';
import { FakeBus, jobPath, Peer, UNIT } from './bus-fake.ts';

const never = new AbortController().signal;
let bus: FakeBus;
let manager: Manager;
let events: ManagerEvent[];
const kinds = () => events.map(({ kind }) => kind);

beforeEach(async () => {
  bus = new FakeBus();
  await bus.start();
  process.env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=${bus.socket}`;
  manager = await connectManager('system');
  events = [];
  manager.watch((event) => events.push(event));
});

afterEach(async () => {
  delete process.env.DBUS_SYSTEM_BUS_ADDRESS;
  await manager[Symbol.asyncDispose]();
  await bus[Symbol.asyncDispose]();
});

/** What a call is refused with. */
async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof Failure)) throw new Error(`no failure: ${JSON.stringify(error)}`);
  return error.problems[0] as Problem;
}

const started = (id: number) => () => ({ signature: 'o', body: [jobPath(id)] });

it('knows the version, and reads units', async () => {
  expect(manager.version).toBe(252);
  bus.answers.GetAll = () => ({ signature: 'a{sv}', body: [Object.entries(UNIT)] });
  bus.answers.MainPID = () => ({ signature: 'v', body: [['u', 42]] });
  bus.answers.ListUnitsByPatterns = () => ({
    signature: 'a(ssssssouso)',
    body: [[['web.service', 'Web', 'loaded', 'active', 'running', '', '/unit', 7, 'restart', jobPath(7)]]],
  });
  expect((await problemOf(manager.unit('web.service'))).detail).toContain('answer.MainPID: expected number');
  bus.answers.GetAll = () => ({
    signature: 'a{sv}',
    body: [Object.entries({ ...UNIT, Id: ['s', 'web.socket'] })],
  });
  expect(await manager.unit('web.socket')).toMatchObject({ id: 'web.socket', active: 'inactive', service: undefined });
  expect(await manager.property('web.service', 'MainPID')).toBe(42);
  expect(await manager.listUnits(['*'])).toEqual([
    { name: 'web.service', description: 'Web', load: 'loaded', active: 'active', sub: 'running', job: 'restart' },
  ]);
  expect(await manager.state()).toBe('running');
});

it('takes nothing of another shape for an answer', async () => {
  bus.answers.MainPID = () => ({ signature: 'v', body: [['s', 'forty-two']] });
  expect(await problemOf(manager.property('web.service', 'MainPID'))).toEqual({
    code: 'unexpected-answer',
    summary: 'cannot read MainPID of web.service: systemd answered something else than is known of it',
    detail: 'answer: expected number',
  });
});

it('says what was refused, why, and what to do', async () => {
  bus.answers.StartUnit = () => ({
    error: 'org.freedesktop.systemd1.UnitMasked',
    message: 'Unit web.service is masked.',
  });
  bus.answers.Reload = () => ({ error: 'org.freedesktop.DBus.Error.AccessDenied', message: 'Access denied' });
  expect(await problemOf(manager.start('web.service', never))).toEqual({
    code: 'unit-masked',
    summary: 'cannot start web.service: unit web.service is masked',
    hint: '`systemctl unmask` lets it be started again',
  });
  expect(await problemOf(manager.reload())).toMatchObject({
    code: 'not-permitted',
    summary: 'cannot reload systemd: only root, or whom polkit lets, may do that',
  });
  // What can't even be sent.
  expect((await problemOf(manager.start('web\0.service', never))).summary).toBe(
    'cannot start web\0.service: String contains null byte',
  );
});

it('waits for the job, also where its end is told before its name', async () => {
  bus.answers.StartUnit = started(1);
  const start = manager.start('web.service', never);
  await until(() => bus.count('StartUnit') === 1);
  bus.jobEnded(2, 'web.service', 'failed');
  bus.jobEnded(1, 'web.service', 'done');
  expect(await start).toBe('done');
  bus.answers.RestartUnit = () => {
    bus.jobEnded(3, 'web.service', 'timeout');
    return started(3)();
  };
  expect(await manager.restart('web.service', never)).toBe('timeout');
  expect(kinds()).toEqual(['job-ended', 'job-ended', 'job-ended']);
});

it('stops waiting when told to, without touching the job', async () => {
  bus.answers.StopUnit = started(1);
  const abort = new AbortController();
  const stop = manager.stop('web.service', abort.signal);
  await until(() => bus.count('StopUnit') === 1);
  abort.abort();
  expect(await stop).toBe('interrupted');
  expect(await manager.stop('web.service', abort.signal)).toBe('interrupted');
  expect(bus.count('StopUnit')).toBe(1);
});

it('believes nobody but systemd', async () => {
  bus.answers.StartUnit = started(1);
  const start = manager.start('web.service', never);
  const stranger = new Peer(bus.socket);
  await stranger.enter();
  const lie = { type: 4, path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' };
  const fields = { member: 'JobRemoved', signature: 'uoss', body: [1, jobPath(1), 'web.service', 'done'] };
  // To us alone, which no rule keeps out: whichever of the first names is ours.
  for (const destination of [':1.0', ':1.1', ':1.2', ':1.3']) stranger.send({ ...lie, ...fields, destination });
  stranger.send({ ...lie, ...fields });
  bus.jobEnded(1, 'web.service', 'failed');
  expect(await start).toBe('failed');
  stranger.close();
});

it('asks at most 64 things at once', async () => {
  bus.answers.MainPID = () => 'silence';
  const calls = Array.from({ length: 100 }, () => problemOf(manager.property('web.service', 'MainPID')));
  await until(() => bus.count('MainPID') === 64);
  await manager[Symbol.asyncDispose]();
  expect(new Set((await Promise.all(calls)).map(({ code }) => code))).toEqual(new Set(['bus-lost']));
  expect(bus.count('MainPID')).toBe(64);
});

it('gives up what is not answered in time, and what waits behind it', async () => {
  bus.answers.Slow = () => 'silence';
  const one = await openBus(bus.socket, { signal: () => {}, closed: () => {} });
  const to = { destination: 'org.freedesktop.systemd1', path: '/', interface: 'a.b', limit: 200 };
  await one.call({
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus',
    member: 'Hello',
  });
  const begin = performance.now();
  const calls = Array.from({ length: 200 }, () => one.call({ ...to, member: 'Slow' }).catch((error) => error.failure));
  expect(new Set((await Promise.all(calls)).map((failure) => JSON.stringify(failure)))).toEqual(
    new Set(['{"kind":"timeout","limit":200}']),
  );
  expect(performance.now() - begin).toBeLessThan(1000);
  one.close();
});

it('fails what it had asked when the bus goes, waits for it to come back, and subscribes again', async () => {
  bus.answers.Reload = () => 'silence';
  const reload = problemOf(manager.reload());
  await until(() => bus.count('Reload') === 1);
  await bus.stop();
  expect(await reload).toMatchObject({ code: 'bus-lost', summary: 'cannot reload systemd: the bus went away' });
  expect(kinds()).toEqual(['lost']);
  const state = manager.state();
  await bus.start();
  expect(await state).toBe('running');
  expect(kinds()).toEqual(['lost', 'back']);
  expect(bus.count('Subscribe')).toBe(2);
  bus.unitChanged('web_2eservice', {
    ActiveState: ['s', 'failed'],
    SubState: ['s', 'failed'],
    Job: ['(uo)', [0, '/']],
  });
  await until(() => events.length === 3);
  expect(events[2]).toEqual({
    kind: 'unit-changed',
    unit: 'web.service',
    active: 'failed',
    sub: 'failed',
    job: false,
    at: undefined,
  });
});

it('asks again what only reads, and never what changes something', async () => {
  bus.answers.SystemState = () => 'silence';
  bus.answers.Reload = () => 'silence';
  const state = manager.state();
  const reload = problemOf(manager.reload());
  await until(() => bus.count('Reload') === 1);
  bus.answers.SystemState = () => ({ signature: 'v', body: [['s', 'degraded']] });
  await bus.stop();
  await bus.start();
  expect(await state).toBe('degraded');
  expect((await reload).code).toBe('bus-lost');
  expect(bus.count('Reload')).toBe(1);
});

it('goes on waiting for a job of a systemd that re-executed', async () => {
  bus.answers.StartUnit = started(1);
  bus.answers.State = () => ({ signature: 'v', body: [['s', 'running']] });
  const start = manager.start('web.service', never);
  await until(() => bus.count('StartUnit') === 1);
  await bus.enter();
  await until(() => kinds().includes('back') && bus.count('State') === 1);
  expect(kinds()).toEqual(['lost', 'back']);
  bus.jobEnded(1, 'web.service', 'done');
  expect(await start).toBe('done');
});

it('waits for no job that ended unheard', async () => {
  bus.answers.StartUnit = started(1);
  bus.answers.State = () => ({ error: 'org.freedesktop.DBus.Error.UnknownObject', message: 'Unknown object.' });
  const start = manager.start('web.service', never);
  await until(() => bus.count('StartUnit') === 1);
  await bus.stop();
  await bus.start();
  expect(await start).toBe('unseen');
});

it('waits a little for a systemd that left the bus', async () => {
  bus.leave();
  await until(() => kinds().includes('lost'));
  expect(events[0]).toMatchObject({ problem: { code: 'systemd-gone' } });
  const state = manager.state();
  await bus.enter();
  expect(await state).toBe('running');
});

it('fails what waits, and lets go, when it is disposed of', async () => {
  await bus.stop();
  await until(() => kinds().includes('lost'));
  const state = problemOf(manager.state());
  await manager[Symbol.asyncDispose]();
  expect(await state).toMatchObject({ code: 'bus-lost' });
  expect((await problemOf(manager.state())).code).toBe('bus-lost');
  await bus.start();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(bus.count('Subscribe')).toBe(1);
});

it('tells nothing of units while systemd reloads, and what did not change but once', async () => {
  const active = { ActiveState: ['s', 'active'], SubState: ['s', 'running'] } as const;
  bus.unitChanged('web_2eservice', active);
  bus.unitChanged('web_2eservice', active);
  bus.tell('Reloading', 'b', [true]);
  bus.unitChanged('db_2eservice', active);
  bus.tell('UnitFilesChanged', '', []);
  bus.jobEnded(1, 'db.service', 'done');
  bus.tell('Reloading', 'b', [false]);
  bus.tell('UnitFilesChanged', '', []);
  bus.tell('JobNew', 'uos', [2, jobPath(2), 'web.service']);
  bus.tell('JobNew', 'uos', [3, jobPath(3), 'shutdown.target']);
  await until(() => kinds().includes('shutdown'));
  expect(kinds()).toEqual(['unit-changed', 'reloading', 'job-ended', 'reloaded', 'unit-files-changed', 'shutdown']);
});

it('says where there is no bus, or no systemd on it', async () => {
  const booted = existsSync('/run/systemd/system');
  bus.leave();
  expect(await problemOf(connectManager('system'))).toMatchObject({
    code: booted ? 'systemd-gone' : 'no-systemd',
    summary: booted
      ? 'cannot reach systemd: systemd left the bus before it answered'
      : 'cannot reach systemd: this host is not run by systemd',
  });
  process.env.DBUS_SYSTEM_BUS_ADDRESS = 'unix:path=/nowhere/bus';
  expect(await problemOf(connectManager('system'))).toMatchObject({ code: booted ? 'no-bus' : 'no-systemd' });
  process.env.DBUS_SYSTEM_BUS_ADDRESS = 'tcp:host=elsewhere,port=1';
  expect((await problemOf(connectManager('system'))).summary).toBe(
    'cannot reach systemd: DBUS_SYSTEM_BUS_ADDRESS names no UNIX socket: tcp:host=elsewhere,port=1',
  );
  process.env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=${bus.socket}`;
  expect((await problemOf(connectManager('system', AbortSignal.abort()))).summary).toBe(
    'cannot reach systemd: interrupted',
  );
});
