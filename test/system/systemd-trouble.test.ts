import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh, show, variable } from '../rig/systemd/units.ts';
import { createWorld, type World } from '../rig/systemd/world.ts';

const UNITS = '/etc/systemd/system';
const SLEEP = { command: ['sleep', '1000'] };

describeOnSystemd('a host in trouble while units are changed', () => {
  const NAMES = Array.from({ length: 10 }, (_, i) => `s${i}`);
  let host: SystemdHost;
  let world: World;
  let generation = 0;

  beforeAll(async () => {
    host = await systemdHost();
    world = createWorld(host, 'trouble');
    world.declare('bystander', SLEEP);
    change();
    await world.apply();
    return () => host[Symbol.asyncDispose]();
  });

  /** Every service gets a new definition, for which it has to be restarted. */
  const change = (more: object = {}) => {
    generation += 1;
    for (const name of NAMES) world.declare(name, { ...SLEEP, generation, start: { ready: '200ms' }, ...more });
  };
  const pids = async (names: readonly string[] = NAMES) =>
    [...(await show(host, names)).values()].map(({ pid }) => pid);
  /** Every service runs once, from one definition: that of now. */
  const runOnce = async () => {
    expect(await world.plan()).toEqual([]);
    const running = await pids();
    expect(running).not.toContain(0);
    const stamps = running.map((pid) => variable(host, pid, 'RECONCILED_DEFINITION')?.split(':').at(-1));
    expect(new Set(stamps).size).toBe(1);
    const found = await sh(
      host,
      'grep -lz "^RECONCILED_DEFINITION=v1:trouble:s" /proc/[0-9]*/environ 2>/dev/null || true',
    );
    const processes = [...found.matchAll(/\d+/g)].map(([pid]) => Number(pid));
    expect(processes.sort()).toEqual(running.sort());
    return stamps[0];
  };
  /** Starts an apply, and lets something happen as soon as the first unit is being restarted. */
  const meanwhile = async (act: () => Promise<unknown>) => {
    const child = host.spawn(world.command());
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    const closed = once(child, 'close');
    await until(() => said.includes('restarting with its new definition...'));
    await act();
    const [code] = (await closed) as [number | null];
    return { code, said: said.replace(/\s+/g, ' ') };
  };

  it.each<[string, () => Promise<unknown>]>([
    [
      'systemd busy for two seconds',
      async () => {
        process.kill(host.leader, 'SIGSTOP');
        await sleep(2000);
        process.kill(host.leader, 'SIGCONT');
      },
    ],
    ['systemd executed anew', () => host.systemctl('daemon-reexec')],
    ['systemd reloaded by somebody else', () => host.systemctl('daemon-reload')],
    ['the bus restarted', () => host.systemctl('restart', 'dbus')],
    ['the bus killed', () => sh(host, 'kill -9 "$(systemctl show dbus --property=MainPID --value)"')],
  ])('%s: all is done all the same', async (_, act) => {
    const bystander = await pids(['bystander']);
    const before = await runOnce();
    change();
    expect(await meanwhile(act)).toMatchObject({ code: 0, said: expect.stringContaining('Applied: 10 done') });
    expect(await runOnce()).not.toBe(before);
    expect(await pids(['bystander'])).toEqual(bystander);
  });

  it('the bus stopped: what is not known to be done is said to be so, and the next run converges', async () => {
    change({ start: { ready: '1s' } });
    const stop = () => host.systemctl('stop', 'dbus.socket', 'dbus');
    const { code, said } = await meanwhile(stop);
    expect(code).toBe(3);
    expect(said).toMatch(/Applied: \d done, \d+ failed/);
    expect(said).toMatch(/(the bus went away|systemd left the bus|there is no bus)/);
    expect(said).toContain('what was asked of');
    expect(await world.apply(3)).toContain('cannot reach systemd: there is no bus');
    await host.systemctl('start', 'dbus.socket', 'dbus');
    await world.apply();
    await runOnce();
  });

  it.each([
    [
      'a file system that is read-only',
      `mount --bind ${UNITS} ${UNITS} && mount -o remount,bind,ro ${UNITS}`,
      `umount ${UNITS}`,
      'the file system is read-only its process was not touched; mount it to be written, then run `reconcile` again',
    ],
    [
      'a file system that is full',
      `cp -a ${UNITS} /root/units && mount -t tmpfs -o size=256k,mode=755 tmpfs ${UNITS} && cp -a /root/units/. ${UNITS} && ! dd if=/dev/zero of=${UNITS}/filler bs=1k`,
      `umount ${UNITS}`,
      'no space left on the device its process was not touched; make room, then run `reconcile` again',
    ],
  ])('%s: nothing is touched, and the next run converges', async (_, breaks, mends, words) => {
    const before = [await pids(), ...NAMES.map((name) => host.read(`${UNITS}/${name}.service`))];
    change({ description: 'x'.repeat(2000) });
    world.declare('new', SLEEP);
    await sh(host, breaks);
    const said = await world.apply(3);
    expect(said).toContain('Applied: 0 done, 11 failed');
    expect(said).toContain(`cannot replace s3: cannot write ${UNITS}/s3.service: ${words}`);
    expect(said).toContain(`cannot create new: cannot write ${UNITS}/new.service: ${words}`);
    expect([await pids(), ...NAMES.map((name) => host.read(`${UNITS}/${name}.service`))]).toEqual(before);
    expect(await sh(host, `ls ${UNITS}`)).not.toContain('tmp');
    await sh(host, mends);
    await world.apply();
    await runOnce();
    world.declare('new', { state: 'absent' });
    await world.apply();
    world.forget('new');
  });

  it('reconcile killed at any moment: the next run converges, with one process each', async () => {
    const bystander = await pids(['bystander']);
    change();
    const t = performance.now();
    await world.apply();
    const whole = performance.now() - t;
    let cut = 0;
    for (let round = 0; round < 15; round += 1) {
      change();
      const child = host.spawn(world.command());
      const closed = once(child, 'close');
      await sleep(randomInt(Math.ceil(whole)));
      child.kill('SIGKILL');
      const [code] = (await closed) as [number | null];
      if (code === null) cut += 1;
      await world.apply();
      await runOnce();
    }
    expect(await pids(['bystander'])).toEqual(bystander);
    // Most of them were cut off indeed.
    expect(cut).toBeGreaterThan(5);
  });
});
