import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ServiceStatus, Status } from '../../src/model.ts';
import { type DaemonProcess, daemonProcess, RECONCILE, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh } from '../rig/systemd/units.ts';
import type { PlanJson } from './states/fleet.ts';

const DESIRED = '/root/desired-state';
const MARKS = '/var/lib/reconciled/decisions/services.json';
const CONF = '/etc/supervisor/dolphin.conf';

/** Takes half a second to end, as what has something to finish does. */
const WORKER = `#!/bin/sh
trap 'sleep 0.5; exit 0' TERM
while :; do sleep 0.1; done
`;

/** ms */
const [LONG, WARN] = [8000, 5000];

interface Mark {
  readonly hold?: { readonly what: string; readonly since: number; readonly until: number; readonly by?: string };
}

describeOnSystemd('what people do by hand', () => {
  let host: SystemdHost;
  let daemon: DaemonProcess;

  const declare = (name: string, supervisor: string, extra: object = {}) =>
    host.write(
      `${DESIRED}/services/${name}.yaml`,
      stringify({ supervisor, command: ['/usr/local/bin/worker', name], start: { ready: '1s' }, soak: '1s', ...extra }),
    );
  const status = async () => {
    const { services } = JSON.parse((await host.reconcile('status', '--json')).stdout) as Status;
    return new Map(services.map((service) => [service.name, service]));
  };
  const of = async (name: string) => (await status()).get(name) as ServiceStatus;
  const runs = async (name: string) => (await of(name)).state === 'RUNNING';
  const plan = async () => JSON.parse((await host.reconcile('--dry-run', '--json')).stdout) as PlanJson;
  const marks = (): Readonly<Record<string, Mark>> => (host.exists(MARKS) ? JSON.parse(host.read(MARKS)) : {});
  const held = () => Object.entries(marks()).flatMap(([name, { hold }]) => (hold === undefined ? [] : [name]));
  const ctl = (...args: readonly string[]) => host.exec(['supervisorctl', '-c', CONF, ...args]);

  beforeAll(async () => {
    host = await systemdHost();
    host.write('/usr/local/bin/worker', WORKER, 0o755);
    host.write(
      `${DESIRED}/policy.yaml`,
      stringify({ owner: 'dolphin', holds: { for: `${LONG}ms`, warn: `${WARN}ms` } }),
    );
    host.write(
      `${DESIRED}/supervisors/dolphin.yaml`,
      stringify({ config: CONF, owned: true, socket: { path: '/run/dolphin/supervisor.sock' } }),
    );
    declare('unit', 'systemd');
    declare('program', 'supervisord/dolphin');
    declare('sure', 'systemd', { confirm: true });
    declare('trading', 'systemd', { gate: { file: { path: '/run/flat' } }, changes: 'now' });
    declare('needed', 'systemd');
    declare('once', 'systemd', { command: ['/bin/true'], restart: { policy: 'never' } });
    declare('leaves', 'supervisord/dolphin', { command: ['/bin/sleep', '2'], restart: { policy: 'never' } });
    host.write('/etc/systemd/system/other.service', '[Service]\nExecStart=/usr/local/bin/worker other\n');
    host.write(
      '/etc/systemd/system/needed.service.d/other.conf',
      '[Unit]\nRequires=other.service\nAfter=other.service\n',
    );
    daemon = daemonProcess(host.spawn([RECONCILE, 'daemon'], { env: { RECONCILE_DESIRED_STATE: DESIRED } }));
    const up = ['unit', 'program', 'sure', 'trading', 'needed'];
    await until(async () => {
      const all = await status();
      const { plan: waiting } = JSON.parse((await host.reconcile('approve', '--json')).stdout) as {
        plan: string | null;
      };
      if (waiting !== null) await host.reconcile('approve', waiting);
      return up.every((name) => all.get(name)?.state === 'RUNNING');
    }, 90);
    await until(async () => (await of('once')).state === 'EXITED' && (await of('leaves')).state === 'EXITED', 60);
  }, 300_000);
  afterAll(async () => {
    await daemon?.stop();
    await host?.[Symbol.asyncDispose]();
  });

  it("what ends by itself, once or for good, is nobody's doing", async () => {
    const { pid } = await of('unit');
    await host.exec(['kill', '-KILL', String(pid)]);
    await until(async () => (await runs('unit')) && (await of('unit')).pid !== pid);
    await host.reconcile();
    expect(held()).toEqual([]);
    const { held: left } = await plan();
    expect(left.filter(({ reason }) => reason.kind === 'drift')).toEqual([]);
  });

  it('nor what was stopped with something that it needs', async () => {
    await host.systemctl('stop', 'other');
    await until(async () => (await of('needed')).state === 'STOPPED');
    await host.reconcile();
    expect(held()).toEqual([]);
    expect((await plan()).held).toContainEqual(
      expect.objectContaining({ service: 'needed', reason: { kind: 'stopped-with', unit: 'other.service' } }),
    );
    await host.systemctl('start', 'other');
    await until(() => runs('needed'));
  });

  describe.each([
    ['unit', 'systemctl stop unit', () => host.systemctl('stop', 'unit')],
    ['program', `supervisorctl -c ${CONF} stop program`, () => ctl('stop', 'program')],
  ])('%s: a stop', (name, command, stop) => {
    it('is held for a while, and it is told who did it; its end is told first, and then it is mended', async () => {
      await stop();
      await daemon.saw(
        new RegExp(`${name}: stopped by root \\(\`[^\`]*${command}\`\\), and Git has not changed, left so until`),
      );
      const { since, until: end, by } = marks()[name]?.hold ?? { since: 0, until: 0 };
      expect(end - since).toBe(LONG);
      expect(by).toContain(command);
      expect((await of(name)).note).toMatch(/left as root \(.*\) made it until \S+; to end that: reconcile release/);
      expect((await plan()).held).toContainEqual(
        expect.objectContaining({ service: name, reason: { kind: 'drift', what: 'stopped', until: end, by } }),
      );
      const { stdout } = await host.reconcile('explain', name);
      expect(stdout).toContain('stopped by root');
      await daemon.saw(new RegExp(`${name}: left to root \\(.*\\) until \\S+, then it is made as Git says`));
      expect(Date.now()).toBeLessThan(end);
      await until(() => runs(name), 30);
      expect(Date.now()).toBeGreaterThanOrEqual(end);
      await until(() => !held().includes(name));
    });

    it('is over once a person says so', async () => {
      await stop();
      await until(() => held().includes(name));
      expect((await host.reconcile('release', name)).code).toBe(0);
      expect(await runs(name)).toBe(true);
      expect(held()).not.toContain(name);
    });

    it('can be asked of us, and is held too; start ends that', async () => {
      const stopped = await host.reconcile('stop', name, '--by', 'ann', '--reason', 'looking at it', '--for', '1h');
      expect(stopped).toMatchObject({ code: 0, stderr: expect.stringContaining('Left stopped until') });
      expect((await of(name)).note).toMatch(
        /left alone until \S+ by ann: looking at it; to end that: reconcile release/,
      );
      await host.reconcile();
      expect(await runs(name)).toBe(false);
      expect((await host.reconcile('start', name)).code).toBe(0);
      expect(await runs(name)).toBe(true);
      await host.reconcile();
      expect(held()).not.toContain(name);
    });

    it("is written to Git's file, comments kept, and is no stop any more", async () => {
      const file = `${DESIRED}/services/${name}.yaml`;
      const before = `# ask ann\n${host.read(file)}`;
      host.write(file, before);
      await sleep(500);
      await stop();
      await until(() => held().includes(name));
      const dry = await host.reconcile('capture', name, '--dry-run');
      expect(dry).toMatchObject({ code: 2, stdout: expect.stringContaining('+state: stopped') });
      expect(host.read(file)).toBe(before);
      const { stdout } = await host.reconcile('capture', name);
      expect(stdout).toMatch(/^Written\.$/m);
      expect(host.read(file)).toBe(`${before}state: stopped\n`);
      await until(() => !held().includes(name));
      await until(async () => (await plan()).held.every(({ service }) => service !== name));
      expect(await runs(name)).toBe(false);
      host.write(file, before);
      await until(() => runs(name), 60);
    });
  });

  it('what has a gate, and what waits for an approval, is not mended without a person', async () => {
    await host.systemctl('stop', 'trading', 'sure');
    await until(() => held().includes('trading') && held().includes('sure'));
    const end = Math.max(...['trading', 'sure'].map((name) => marks()[name]?.hold?.until ?? 0));
    await daemon.saw(/trading: left to root \(.*\) until \S+, then it waits for a person, since it has a gate/);
    await daemon.saw(/sure: left to root \(.*\) until \S+, then it waits for a person \(`confirm: true`\)/);
    await sleep(Math.max(0, end - Date.now()) + 1500);
    expect([await runs('trading'), await runs('sure')]).toEqual([false, false]);
    const { held: left } = await plan();
    const reasons = new Map(left.map(({ service, reason }) => [service, reason]));
    expect(reasons.get('trading')).toMatchObject({ kind: 'drift', what: 'stopped', stays: true });
    expect(reasons.get('sure')).toMatchObject({ kind: 'approval' });
    expect((await host.reconcile('release', 'trading')).code).toBe(0);
    expect(await runs('trading')).toBe(true);
    const { plan: id } = JSON.parse((await host.reconcile('approve', '--json')).stdout) as { plan: string };
    expect((await host.reconcile('approve', id)).stdout).toContain('sure');
    await until(() => runs('sure'));
    // A stop by us asks the gate.
    expect(await host.reconcile('stop', 'trading')).toMatchObject({ code: 3 });
    expect(await runs('trading')).toBe(true);
    await sh(host, 'touch /run/flat');
    expect(await host.reconcile('stop', 'trading')).toMatchObject({ code: 0 });
    expect((await host.reconcile('release', 'trading')).code).toBe(0);
    expect(await runs('trading')).toBe(true);
  });

  it('nobody has stopped what goes down with its supervisord, or with the whole host', async () => {
    await ctl('shutdown');
    await until(() => runs('program'), 60);
    expect(held()).not.toContain('program');
    // It sees the beginning of it, and goes down with the rest.
    const off = host.powerOff();
    await sleep(300);
    await Promise.all([off, daemon.stop('SIGKILL')]);
    await host.boot();
    expect(held()).toEqual([]);
    daemon = daemonProcess(host.spawn([RECONCILE, 'daemon'], { env: { RECONCILE_DESIRED_STATE: DESIRED } }));
    await until(async () => (await runs('unit')) && (await runs('program')), 90);
    expect(held()).toEqual([]);
  }, 200_000);
});
