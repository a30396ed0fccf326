import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RECONCILE, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { systemdHost } from '../rig/systemd/host.ts';
import { sh, variable } from '../rig/systemd/units.ts';
import { Fleet, type PlanJson, said } from './states/fleet.ts';

const UNITS = '/etc/systemd/system';

describeOnSystemd('what changes its form, its name or its hands', () => {
  let fleet: Fleet;
  let calm: readonly number[];
  const pids = async () => [await fleet.pid('bystander'), await fleet.pid('stranger')];
  const steps = ({ steps }: PlanJson) => steps.map(({ id, effect }) => `${id} ${effect}`);
  /** Applies, and wants all of it done and nothing left to do. */
  const settle = async (...args: readonly string[]) => {
    const applied = await fleet.apply(...args);
    expect(applied).toMatchObject({ code: 0, undone: [], plan: { held: [] } });
    expect(await fleet.dryRun()).toMatchObject({ code: 0, plan: { steps: [], held: [] } });
    return steps(applied.plan);
  };

  beforeAll(async () => {
    fleet = new Fleet(await systemdHost());
    fleet.declare('bystander');
    fleet.install('stranger');
    await fleet.host.systemctl('start', 'stranger');
    await settle();
    calm = await pids();
  });
  afterAll(() => fleet?.host[Symbol.asyncDispose]());
  afterEach(async () => {
    expect(await pids()).toEqual(calm);
  });

  it('instances come and go at the end, and the others keep their processes', async () => {
    const instances = ['many@1', 'many@2', 'many@3', 'many@4'];
    const running = async () => [...(await fleet.show(instances)).values()].map(({ pid }) => pid);
    fleet.declare('many', { instances: 3 });
    expect(await settle()).toEqual(['create:many@1 start', 'create:many@2 start', 'create:many@3 start']);
    const three = await running();
    expect(three.map((pid) => pid > 0)).toEqual([true, true, true, false]);
    expect(three.slice(0, 3).map((pid) => variable(fleet.host, pid, 'RECONCILED_INSTANCE'))).toEqual(['1', '2', '3']);
    fleet.declare('many', { instances: 2 });
    expect(await settle()).toEqual(['remove:many@3 stop']);
    expect(await running()).toEqual([...three.slice(0, 2), 0, 0]);
    fleet.declare('many', { instances: 4 });
    expect(await settle()).toEqual(['start:many@3 start', 'start:many@4 start']);
    expect((await running()).slice(0, 2)).toEqual(three.slice(0, 2));
    expect((await running()).every((pid) => pid > 0)).toBe(true);
    fleet.declare('many', { instances: 4, environment: { MARK: 'declared' }, state: 'disabled' });
    await settle();
    await sh(fleet.host, 'systemctl start "$@"', ...instances);
    expect(await running()).toEqual([0, 0, 0, 0]);
    fleet.declare('many', { state: 'absent', instances: 4 });
    await settle();
    expect((await sh(fleet.host, `ls -R ${UNITS}`)).includes('many')).toBe(false);
    fleet.undeclare('many');
  });

  it('what is given instances, and none again, never runs twice', async () => {
    const command = ['flock', '--nonblock', '/run/form', 'sleep', 'infinity'];
    fleet.declare('form', { command });
    await settle();
    fleet.declare('form', { command, instances: 1 });
    expect(await settle()).toEqual(['remove:form stop', 'create:form@1 start']);
    fleet.declare('form', { command });
    expect(await settle()).toEqual(['remove:form@1 stop', 'create:form start']);
    expect((await fleet.show(['form', 'form@1'])).get('form@1')?.pid).toBe(0);
  });

  it('of instances that take the place of a unit none starts beside it, and all go before it is back', async () => {
    const lock = (how: string) => ['flock', '--nonblock', how, '/run/place', 'sleep', '1000000'];
    await sh(
      fleet.host,
      `printf '[Service]\\nExecStart=%s\\n[Install]\\nWantedBy=multi-user.target\\n' "$1" > ${UNITS}/former.service
      systemctl daemon-reload; systemctl enable --now former`,
      lock('--exclusive').join(' '),
    );
    const instances = ['place@1', 'place@2', 'place@3'];
    // Each would fail at once beside the one that is there.
    const settings = {
      command: lock('--shared'),
      instances: 3,
      soak: '200ms',
      supersedes: [{ unit: 'former.service' }],
    };
    fleet.declare('place', settings);
    expect(await settle()).toEqual([
      ...instances.map((id) => `create:${id} none`),
      'handover:place@1 restart',
      'start:place@2 start',
      'start:place@3 start',
    ]);
    const shown = await sh(
      fleet.host,
      'systemctl show --value -p NRestarts -p UnitFileState former "$@"',
      ...instances,
    );
    expect(shown.trim().split(/\n+/)).toEqual(['0', 'disabled', ...instances.flatMap(() => ['0', 'enabled'])]);
    fleet.undeclare('place');
    expect(await settle()).toEqual(['remove:place@2 stop', 'remove:place@3 stop', 'give-back:place@1 restart']);
    await fleet.host.systemctl('disable', '--now', 'former');
  });

  it('what is renamed never runs twice, and leaves nothing behind', async () => {
    const command = ['flock', '--nonblock', '/run/name', 'sleep', 'infinity'];
    fleet.declare('old', { command });
    await settle();
    fleet.undeclare('old');
    fleet.declare('new', { command });
    expect(await fleet.apply()).toMatchObject({
      code: 3,
      plan: { held: [{ reason: { kind: 'maybe-renamed', from: 'old' } }] },
    });
    fleet.declare('new', { command, formerly: ['old'] });
    expect(await settle()).toEqual(['remove:old stop', 'create:new start']);
    expect((await sh(fleet.host, `ls -R ${UNITS}`)).includes('old.service')).toBe(false);
  });

  it('what moves from the embedded supervisor and back is handed over, one process at a time', async () => {
    const command = ['sleep', '987654'];
    const soak = '200ms';
    const running = () => sh(fleet.host, 'pgrep -f "^sleep 987654" || true');
    fleet.declare('mover', { supervisor: 'builtin', command, soak });
    await settle();
    const before = await running();
    expect(before).toMatch(/^\d+\n$/);
    fleet.declare('mover', { command, soak });
    expect(await settle()).toEqual(['create:mover none', 'handover:mover restart']);
    expect(await running()).toBe(`${await fleet.pid('mover')}\n`);
    expect(await running()).not.toBe(before);
    expect((await fleet.host.systemctl('is-enabled', 'mover.service')).trim()).toBe('enabled');
    expect(fleet.host.exists('/run/systemd/system/mover.service.d')).toBe(false);
    fleet.declare('mover', { supervisor: 'builtin', command, soak });
    expect(await settle()).toEqual(['create:mover none', 'handover:mover restart']);
    expect(await running()).toMatch(/^\d+\n$/);
    expect(fleet.host.exists(`${UNITS}/mover.service`)).toBe(false);
    expect(fleet.host.exists('/run/systemd/system/mover.service.d')).toBe(false);
    expect(await fleet.pid('mover')).toBe(0);
    fleet.declare('mover', { command, soak });
    await settle();
  });

  it('instances that move go one by one, and their template with the last', async () => {
    const settings = { command: ['sleep', '987655'], soak: '200ms', instances: 3 };
    const running = async () => (await sh(fleet.host, 'pgrep -f "^sleep 987655" || true')).trim().split('\n');
    fleet.declare('crew', settings);
    await settle();
    fleet.declare('crew', { ...settings, supervisor: 'builtin' });
    const moved = await settle();
    expect(moved.filter((step) => step.startsWith('handover'))).toEqual(
      [1, 2, 3].map((i) => `handover:crew@${i} restart`),
    );
    expect(await running()).toHaveLength(3);
    expect((await sh(fleet.host, `ls -R ${UNITS} /run/systemd/system`)).includes('crew')).toBe(false);
    fleet.declare('crew', settings);
    await settle();
    expect(await running()).toHaveLength(3);
  });

  it('what takes the place of another version is reversed where it can not run', async () => {
    fleet.install('version1', { folder: UNITS, install: [] });
    await fleet.host.systemctl('daemon-reload');
    await fleet.host.systemctl('enable', '--now', 'version1');
    const old = await fleet.pid('version1');
    const place = { supersedes: [{ unit: 'version1.service' }], soak: '200ms' };
    fleet.declare('version2', { ...place, command: ['/nowhere/version2'] });
    expect(await fleet.apply()).toMatchObject({
      code: 3,
      plan: { steps: [], held: [{ reason: { kind: 'blocked' } }] },
    });
    expect(await fleet.pid('version1')).toBe(old);
    fleet.declare('version2', { ...place, command: ['sh', '-c', 'exit 7'], start: { retries: 0, ready: '1s' } });
    expect(await fleet.apply()).toMatchObject({ code: 3 });
    expect(await fleet.pid('version1')).toBeGreaterThan(0);
    expect((await fleet.host.systemctl('is-enabled', 'version1')).trim()).toBe('enabled');
    expect(await fleet.dryRun()).toMatchObject({ plan: { steps: [], held: [{ reason: { kind: 'reversed' } }] } });
    fleet.declare('version2', { ...place, command: ['sleep', '987656'] });
    await settle();
    expect(await fleet.pid('version1')).toBe(0);
    expect(await fleet.pid('version2')).toBeGreaterThan(0);
  });

  it('a process that is older than its file is restarted, also where systemd has not read the file', async () => {
    const file = `${UNITS}/stale.service`;
    fleet.declare('stale', { environment: { MARK: 'new' } });
    await settle();
    const text = fleet.host.read(file);
    fleet.declare('stale', { environment: { MARK: 'old' } });
    await settle();
    // As a run leaves it that ended after it had written its files.
    fleet.host.write(file, text);
    fleet.declare('stale', { environment: { MARK: 'new' } });
    expect((await fleet.dryRun()).plan.reloads).toEqual(['systemd']);
    expect(await settle()).toEqual(['restart:stale restart']);
    expect(variable(fleet.host, await fleet.pid('stale'), 'MARK')).toBe('new');
  });

  it('what is started is started from its file, also where systemd has not read that', async () => {
    const file = `${UNITS}/unread.service`;
    fleet.declare('unread', { environment: { MARK: 'new' }, state: 'manual' });
    await settle();
    const text = fleet.host.read(file);
    fleet.declare('unread', { environment: { MARK: 'old' }, state: 'manual' });
    await settle();
    // What runs beside it keeps it in systemd's memory.
    fleet.host.write(`${UNITS}/keeper.service`, '[Unit]\nAfter=unread.service\n[Service]\nExecStart=sleep infinity\n');
    await fleet.host.systemctl('daemon-reload');
    await fleet.host.systemctl('start', 'keeper');
    fleet.host.write(file, text);
    fleet.declare('unread', { environment: { MARK: 'new' }, state: 'manual' });
    expect(await settle('start', 'unread')).toEqual(['start:unread start']);
    expect(variable(fleet.host, await fleet.pid('unread'), 'MARK')).toBe('new');
  });

  it('a run that is killed between its files and its restarts is finished by the next one', async () => {
    const generator = '/etc/systemd/system-generators/slow';
    const names = ['killed', 'killed-stopped', 'of-killed'];
    fleet.install('pkg-killed');
    await fleet.host.systemctl('daemon-reload');
    const declare = (mark: string) => {
      fleet.declare('killed', { environment: { MARK: mark } });
      fleet.declare('killed-stopped', { environment: { MARK: mark }, state: mark === 'old' ? 'stopped' : 'running' });
      fleet.declareUnit('of-killed', 'pkg-killed', { environment: { MARK: mark }, start: { ready: '20ms' } });
    };
    declare('old');
    await settle();
    const before = await fleet.pid('killed');
    declare('new');
    // A daemon-reload that takes its time.
    fleet.host.write(generator, '#!/bin/sh\nsleep 2\n', 0o755);
    const child = fleet.host.spawn([RECONCILE], { env: { RECONCILE_DESIRED_STATE: '/root/desired-state' } });
    const ended = once(child, 'close');
    const dropIn = `${UNITS}/pkg-killed.service.d/50-reconciled.conf`;
    await until(() =>
      [`${UNITS}/killed.service`, `${UNITS}/killed-stopped.service`, dropIn].every((file) =>
        fleet.host.read(file).includes('MARK=new'),
      ),
    );
    child.kill('SIGKILL');
    await ended;
    await sh(fleet.host, `rm ${generator}`);
    expect(await fleet.pid('killed')).toBe(before);
    const foreseen = (await fleet.dryRun()).plan;
    expect(said(foreseen, 'killed')).toContain('stale-process');
    expect(await settle()).toEqual([
      'restart:killed restart',
      'start:killed-stopped start',
      'restart:of-killed restart',
    ]);
    for (const name of names) {
      const unit = name.replace(/^of-/, 'pkg-');
      expect(variable(fleet.host, await fleet.pid(unit), 'MARK'), name).toBe('new');
    }
  });
});
