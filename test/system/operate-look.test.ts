import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Environment } from '../../src/environment.ts';
import { type DaemonProcess, daemonProcess, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { sh } from '../rig/systemd/units.ts';
import { DESIRED, Operated } from './operate/world.ts';

const CONFIG = '/etc/reconciled/reconcile.config.yaml';

describeOnSystemd('looking at a host with services under all supervisors', () => {
  let world: Operated;

  beforeAll(async () => {
    world = await Operated.create();
    const { host } = world;
    await sh(host, 'groupadd ops; useradd -m -G ops ann; useradd -m ben');
    host.write(CONFIG, stringify({ desiredState: DESIRED, readGroup: 'ops' }));
    host.write('/etc/shop/secrets.env', 'DB_URL=hunter2\n', 0o600);
    host.write(
      `${DESIRED}/supervisors/dolphin.yaml`,
      stringify({ config: '/etc/supervisor/dolphin.conf', owned: true, socket: { path: '/run/dolphin/s.sock' } }),
    );
    for (const [name, supervisor] of Object.entries({
      unit: 'systemd',
      program: 'supervisord/dolphin',
      own: 'builtin',
    }))
      world.declare(name, {
        ...{ supervisor, command: ['sleep', '987301'], group: 'shop', changes: 'staged' },
        ...{ environment: { MODE: 'fast', API_TOKEN: 'hunter3' } },
        environmentFiles: ['/etc/shop/secrets.env'],
      });
    host.write('/etc/systemd/system/reconciled.service.d/test.conf', '[Unit]\n');
    const { code, stderr } = await world.reconcile('install', '--yes', '--config', CONFIG);
    expect([code, stderr]).toEqual([0, expect.anything()]);
    await host.systemctl('enable', '--now', 'reconciled');
    await world.pids(4);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const saw = async (follow: DaemonProcess, text: RegExp) => {
    await until(() => text.test(follow.output()), 30).catch(() => {
      throw new Error(`never saw ${text} in ${follow.output()}`);
    });
  };
  const as = (user: string, ...command: readonly string[]) => [
    ...['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', 'env', '-u', 'XDG_RUNTIME_DIR'],
    ...[`HOME=/home/${user}`, 'NO_COLOR=1', 'reconcile', ...command],
  ];

  it('env tells of each which variable comes from where; all that is there is known', async () => {
    const { stdout, stderr } = await world.host.exec(['reconcile', 'env', '--json', 'unit', 'program', 'own']);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('hunter');
    const { services } = JSON.parse(stdout) as { services: readonly (Environment & { readonly service: string })[] };
    expect(services.map(({ service }) => service).sort()).toEqual(['own', 'program', 'unit']);
    for (const { service, variables } of services) {
      const of = (name: string) => variables.find((one) => one.name === name);
      expect([service, of('MODE')]).toMatchObject([service, { running: 'fast', state: 'same' }]);
      expect([service, of('API_TOKEN')]).toMatchObject([service, { running: '***', state: 'same' }]);
      expect([service, of('DB_URL')]).toMatchObject([
        service,
        { from: { kind: 'file' }, running: '***', state: 'same' },
      ]);
      const odd = variables.filter(({ state }) => !['same', 'unknown'].includes(state));
      expect([service, odd]).toEqual([service, []]);
      const unknown = variables.filter(
        ({ from, state }) => state === 'unknown' && !['mark', 'supervisor'].includes(from.kind),
      );
      expect([service, unknown]).toEqual([service, []]);
    }
  });

  it('who is in readGroup is told what happens, and may not look into processes of others', async () => {
    const follow = daemonProcess(world.host.spawn(as('ann', 'events', '-f', '--limit', '1')));
    await saw(follow, /The daemon of this host \(\/run\/reconciled\):/);
    await world.host.exec(['reconcile', 'restart', 'own']);
    await saw(follow, /own +restart done/);
    // It ends and comes back: she is told by the next one.
    await world.host.systemctl('restart', 'reconciled');
    await saw(follow, /The daemon has ended/);
    await world.host.exec(['reconcile', 'restart', 'unit']);
    await saw(follow, /unit +restart done/);
    expect(await follow.stop('SIGTERM')).toBe(0);
    const env = await world.host.exec(as('ann', 'env', 'own'));
    expect([env.code, env.stdout.includes('hunter')]).toEqual([1, false]);
    const ben = await world.host.exec(as('ben', 'events', '-f', '--state-dir', '/var/lib/reconciled'));
    expect(ben).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^cannot read the journal in .*permission denied\n/),
    });
  });
});
