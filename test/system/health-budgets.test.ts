import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ServiceStatus, Status } from '../../src/model.ts';
import { type DaemonProcess, daemonProcess, RECONCILE, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';

const DESIRED = '/root/desired-state';
const COUNTS = '/run/reconciled/restarts.json';
const CONF = '/etc/supervisor/dolphin.conf';
const WORKER = '#!/bin/sh\nexec sleep 100000\n';
const CRASHER = `#!/bin/sh\necho begun >>/run/begun.$1\nsleep $2\nexit 78\n`;

describeOnSystemd('restarts under three supervisors', () => {
  let host: SystemdHost;
  let daemon: DaemonProcess;

  const declare = (name: string, supervisor: string, extra: object = {}) =>
    host.write(
      `${DESIRED}/services/${name}.yaml`,
      stringify({
        supervisor,
        command: ['/usr/local/bin/worker'],
        start: { ready: '1s' },
        soak: '1s',
        restart: { backoff: { initial: '100ms', max: '100ms' }, limit: { restarts: 20, within: '10m' } },
        ...extra,
      }),
    );
  const status = async () => {
    const { services } = JSON.parse((await host.reconcile('status', '--json')).stdout) as Status;
    return new Map(services.map((service) => [service.name, service]));
  };
  const of = async (name: string): Promise<Partial<ServiceStatus>> => (await status()).get(name) ?? {};
  const is = (name: string, state: string) => until(async () => (await of(name)).state === state);
  const begin = () => daemonProcess(host.spawn([RECONCILE, 'daemon'], { env: { RECONCILE_DESIRED_STATE: DESIRED } }));
  const counts = () =>
    host.exists(COUNTS)
      ? (JSON.parse(host.read(COUNTS)) as {
          readonly accounts: Readonly<Record<string, { readonly restarts: number }>>;
          readonly groups: Readonly<Record<string, readonly number[]>>;
          readonly host: readonly number[];
        })
      : { accounts: {}, groups: {}, host: [] };
  /** Its process ends, and its supervisor starts it again: until that was counted. */
  const kill = async (name: string) => {
    const { pid } = await of(name);
    const before = counts().accounts[name]?.restarts ?? 0;
    await host.exec(['kill', '-9', String(pid)]);
    await until(async () => (counts().accounts[name]?.restarts ?? 0) > before);
    await is(name, 'RUNNING');
  };

  beforeAll(async () => {
    host = await systemdHost();
    host.write('/usr/local/bin/worker', WORKER, 0o755);
    host.write('/usr/local/bin/vanishing', WORKER, 0o755);
    host.write('/usr/local/bin/crasher', CRASHER, 0o755);
    host.write(
      `${DESIRED}/policy.yaml`,
      stringify({ owner: 'dolphin', groups: { dolphin: { budget: { restarts: 6, within: '10m' } } } }),
    );
    host.write(
      `${DESIRED}/supervisors/dolphin.yaml`,
      stringify({ config: CONF, owned: true, socket: { path: '/run/dolphin/supervisor.sock' } }),
    );
    for (const [name, supervisor] of [
      ['unit', 'systemd'],
      ['program', 'supervisord/dolphin'],
      ['own', 'builtin'],
    ] as const)
      declare(name, supervisor, { group: 'dolphin' });
    declare('free', 'systemd');
    declare('vanishing', 'systemd', { command: ['/usr/local/bin/vanishing'] });
    const restart = { permanentExitCodes: [78], backoff: { initial: '100ms', max: '100ms' } };
    for (const [supervisor, short] of [
      ['systemd', 'unit'],
      ['supervisord/dolphin', 'program'],
      ['builtin', 'own'],
    ] as const) {
      declare(`soon-${short}`, supervisor, { command: ['/usr/local/bin/crasher', `soon-${short}`, '0.1'], restart });
      declare(`late-${short}`, supervisor, { command: ['/usr/local/bin/crasher', `late-${short}`, '4'], restart });
    }
    daemon = begin();
    await until(async () => {
      const now = await status();
      return ['unit', 'program', 'own', 'free', 'vanishing'].every((name) => now.get(name)?.state === 'RUNNING');
    }, 90);
  }, 200_000);
  afterAll(async () => {
    await daemon?.stop();
    await host?.[Symbol.asyncDispose]();
  });

  it('of one group are counted in one window, and beyond its budget each is held and told so', async () => {
    for (let i = 0; i < 2; i += 1) for (const name of ['unit', 'program', 'own']) await kill(name);
    expect(counts().groups.dolphin).toHaveLength(6);
    expect(
      Object.fromEntries(['unit', 'program', 'own'].map((name) => [name, counts().accounts[name]?.restarts])),
    ).toEqual({
      unit: 2,
      program: 2,
      own: 2,
    });
    for (const name of ['unit', 'program', 'own']) await host.exec(['kill', '-9', String((await of(name)).pid)]);
    for (const name of ['unit', 'program', 'own']) {
      await is(name, 'HELD');
      expect((await of(name)).note).toMatch(/^services of group 'dolphin' were restarted 6 times within 10m/);
    }
    expect(counts().groups.dolphin).toHaveLength(6);
    await kill('free');
  });

  it('that are held stay so over a daemon that was killed, are nobody’s stop by hand, and are a person’s to start', async () => {
    await daemon.stop('SIGKILL');
    daemon = begin();
    await daemon.saw('ready');
    for (const name of ['unit', 'program', 'own']) expect((await of(name)).state).toBe('HELD');
    const { stdout } = await host.reconcile('--dry-run');
    expect(stdout).not.toContain('somebody stopped it');
    await host.reconcile('start', 'unit', 'own');
    await is('own', 'RUNNING');
    expect(await of('unit')).toMatchObject({ state: 'RUNNING', restarts: 0 });
    // By hand it is its trial.
    await host.exec(['supervisorctl', '-c', CONF, 'start', 'program']);
    await is('program', 'RUNNING');
  });

  it('that somebody makes with systemctl are counted too', async () => {
    const before = counts().accounts.free?.restarts ?? 0;
    await host.exec(['systemctl', 'restart', 'free']);
    await until(() => counts().accounts.free?.restarts === before + 1);
    expect((await of('free')).state).toBe('RUNNING');
  });

  it('are not made of what ends with a code that says no restart can heal it', async () => {
    for (const name of ['soon-unit', 'soon-program', 'soon-own', 'late-unit', 'late-program', 'late-own']) {
      await is(name, 'FATAL');
      expect((await of(name)).note).toMatch(/exit code 78, which no restart can heal/);
      const times = host.read(`/run/begun.${name}`).trim().split('\n').length;
      // A supervisord starts again what was not up for long, before anybody can tell it not to.
      expect(times).toBeLessThanOrEqual(name === 'soon-program' ? 3 : 1);
    }
  });

  it('are not made of what is missing, until it is there again', async () => {
    const { pid } = await of('vanishing');
    await host.exec(['rm', '/usr/local/bin/vanishing']);
    await host.exec(['kill', '-9', String(pid)]);
    await is('vanishing', 'FATAL');
    expect((await of('vanishing')).note).toMatch(/does not exist|could not be executed/);
    host.write('/usr/local/bin/vanishing', WORKER, 0o755);
    await is('vanishing', 'RUNNING');
  });
});
