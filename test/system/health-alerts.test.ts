import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { sh } from '../rig/systemd/units.ts';
import { DESIRED, Operated } from './operate/world.ts';

const PAGE = '/usr/local/bin/page';

interface Entry {
  readonly MESSAGE: string;
  readonly PRIORITY: string;
  readonly RECONCILED_KEY: string;
  readonly RECONCILED_STATE: string;
  readonly RECONCILED_SERVICE?: string;
}

describeOnSystemd('alerts of a daemon that is a service', () => {
  let world: Operated;

  const told = async (...match: readonly string[]): Promise<readonly Entry[]> => {
    const { stdout } = await world.host.exec(['journalctl', '-t', 'reconciled', '-o', 'json', '--no-pager', ...match]);
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Entry);
  };
  const words = async () =>
    (await told()).map(({ RECONCILED_KEY, RECONCILED_STATE }) => `${RECONCILED_KEY} ${RECONCILED_STATE}`);

  beforeAll(async () => {
    world = await Operated.create();
    world.host.write(PAGE, '#!/bin/sh\ncat >> /var/tmp/paged\n', 0o755);
    const alerts = [
      { name: 'log', journal: true },
      { name: 'pager', exec: { command: [PAGE] }, least: 'critical' },
    ];
    world.host.write(`${DESIRED}/policy.yaml`, stringify({ owner: 'operated', alerts }));
    world.declare('web', { supervisor: 'systemd', command: ['/bin/sh', '-c', 'exit 3'], start: { retries: 1 } });
    world.declare('api', { command: ['/bin/sleep', 'infinity'] });
    await world.start();
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  it('stand in the journal with a priority and fields to look for them by, once, through a restart of the daemon', async () => {
    await until(async () => (await told('RECONCILED_KEY=down:web')).length > 0, 60);
    const [entry] = await told('RECONCILED_KEY=down:web');
    expect(entry).toMatchObject({ PRIORITY: '2', RECONCILED_STATE: 'firing', RECONCILED_SERVICE: 'web' });
    expect(entry?.MESSAGE).toMatch(/^critical: web is FATAL: .*exit code 3.*next: reconcile explain web/);
    const paged = JSON.parse(world.host.read('/var/tmp/paged').trim()) as object;
    expect(paged).toMatchObject({ key: 'down:web', severity: 'critical', host: expect.any(String) });

    await world.host.systemctl('restart', 'reconciled');
    await until(async () => (await world.status()).get('api')?.state === 'RUNNING');
    await sh(world.host, 'sleep 5');
    expect((await words()).filter((word) => word === 'down:web firing')).toHaveLength(1);
  });

  it('tell that it is over once it is mended, as a notice', async () => {
    world.declare('web', { supervisor: 'systemd', command: ['/bin/sleep', 'infinity'] });
    await until(async () => (await words()).includes('down:web resolved'), 60);
    const entry = (await told('RECONCILED_KEY=down:web')).at(-1);
    expect(entry).toMatchObject({ PRIORITY: '5', RECONCILED_STATE: 'resolved' });
    expect((await words()).filter((word) => word.startsWith('health:web'))).toEqual([]);
  });

  it('tell what a person did by hand', async () => {
    await world.host.systemctl('stop', 'web');
    await until(async () => (await words()).includes('drift:web firing'), 60);
    const [entry] = await told('RECONCILED_KEY=drift:web');
    expect(entry).toMatchObject({ PRIORITY: '4' });
    await world.reconcile('start', 'web', '--desired-state', DESIRED);
    await until(async () => (await words()).includes('drift:web resolved'), 60);
    expect((await words()).filter((word) => word.startsWith('health:web'))).toEqual([]);
  });

  it('are tried with a command, and run nothing that others than root can write', async () => {
    const test = () => world.reconcile('alert', 'test', '--desired-state', DESIRED);
    expect(await test()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('written to the journal, priority info'),
    });
    await sh(world.host, `chmod go+w ${PAGE}`);
    expect(await test()).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`cannot run ${PAGE}: others can write ${PAGE}`),
    });
  });
});
