import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { DESIRED, Operated } from './operate/world.ts';

const LOG = '/root/said';
/** Tells of itself, and of each signal that it gets. */
const program = (name: string) => `#!/bin/sh
say() { echo "$1 ${name}" >> ${LOG}; }
trap 'say hup' HUP; trap 'say usr1' USR1; trap 'say term; exit 0' TERM
(trap 'say child' USR1; trap '' HUP; while :; do sleep 0.1; done) &
say up; while :; do sleep 0.1; done
`;
const SHOP = ['db', 'engine', 'web'] as const;

describeOnSystemd('services under all three supervisors at once, operated by hand', () => {
  let world: Operated;
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await world.reconcile(...args, '--desired-state', DESIRED);
    return { code, stdout, stderr, all: `${stdout}${stderr}` };
  };
  const said = () => (world.host.exists(LOG) ? world.host.read(LOG).trimEnd().split('\n') : []);
  const forget = () => world.host.exec(['rm', '-f', LOG]);
  const heard = (...lines: readonly string[]) =>
    until(() => (lines.every((line) => said().includes(line)) ? said() : undefined));
  const pidsOf = async () =>
    Object.fromEntries([...(await world.status())].flatMap(([name, { pid }]) => (pid === null ? [] : [[name, pid]])));
  const allRun = () =>
    until(async () => {
      const services = [...(await world.status()).values()];
      return services.length === 6 && services.every(({ state }) => state === 'RUNNING');
    });

  beforeAll(async () => {
    world = await Operated.create();
    const { host } = world;
    for (const name of [...SHOP, 'legacy', 'dumb']) host.write(`/root/${name}.sh`, program(name), 0o755);
    const unit = (name: string, more = '') =>
      host.write(
        `/etc/systemd/system/${name}.service`,
        `[Service]\nExecStart=/root/${name}.sh\n${more}[Install]\nWantedBy=multi-user.target\n`,
      );
    unit('legacy', 'ExecReload=/bin/sh -c "kill -HUP $MAINPID"\n');
    unit('dumb');
    host.write(
      `${DESIRED}/supervisors/dolphin.yaml`,
      stringify({ config: '/etc/supervisor/dolphin.conf', boot: 'systemd' }),
    );
    const shop = (name: string, supervisor: string, more: object) =>
      world.declare(name, {
        group: 'shop',
        supervisor,
        command: [`/root/${name}.sh`],
        reload: { signal: 'HUP' },
        ...more,
      });
    shop('db', 'systemd', {});
    shop('engine', 'supervisord/dolphin', { start: { ready: '1s', after: ['db'] } });
    shop('web', 'builtin', {
      start: { ready: '0s', after: ['engine'] },
      reload: { command: ['/bin/sh', '-c', `echo "command $MAINPID" >> ${LOG}`] },
    });
    for (const name of ['legacy', 'dumb'])
      host.write(`${DESIRED}/services/${name}.yaml`, stringify({ supervisor: 'systemd', unit: `${name}.service` }));
    await world.start();
    await allRun();
    await heard('up db', 'up engine', 'up web', 'up legacy', 'up dumb');
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('are shown together, and by exit code whether all that should run does', async () => {
    const all = await run('status');
    expect([all.code, all.stderr]).toEqual([0, '']);
    for (const line of [/^db +systemd +running +RUNNING/m, /^engine +supervisord\/dolphin +running/m, /^web +builtin/m])
      expect(all.stdout).toMatch(line);
    const wide = await run('status', 'shop', '--wide', '--json');
    const { services } = JSON.parse(wide.stdout) as {
      services: { name: string; use: { memory: number; processes: number } }[];
    };
    expect(services.map(({ name, use }) => [name, use.processes >= 2, use.memory > 1000])).toEqual(
      SHOP.map((name) => [name, true, true]),
    );
  });

  it('reload: each by its own means, in order, with the processes that they have', async () => {
    const before = await pidsOf();
    await forget();
    const shop = await run('reload', 'shop');
    expect([shop.all, shop.code]).toEqual([expect.stringContaining('\n3 reloaded.\n'), 0]);
    expect(said()).toEqual(['hup db', 'hup engine', `command ${before.web}`]);
    expect((await run('reload', 'legacy')).code).toBe(0);
    expect(await heard('hup legacy')).toHaveLength(4);
    // systemctl does the same.
    await world.host.systemctl('reload', 'db');
    const dumb = await run('reload', 'dumb');
    expect(dumb.code).toBe(1);
    expect(dumb.stderr).toContain('dumb.service has no ExecReload=: write `reload` in services/dumb.yaml');
    const all = await run('reload', '--all');
    expect([all.all, all.code]).toEqual([expect.stringContaining('4 reloaded, 1 passed over.'), 0]);
    expect(await pidsOf()).toEqual(before);
  });

  it('signal: the main process or all; what would end them is refused, and forced it is no duel', async () => {
    await forget();
    expect((await run('signal', 'USR1', 'shop:*')).code).toBe(0);
    expect(await heard(...SHOP.map((name) => `usr1 ${name}`))).toHaveLength(3);
    await forget();
    expect((await run('signal', 'USR1', 'db', 'engine', 'web', '--tree')).code).toBe(0);
    await heard(...SHOP.flatMap((name) => [`usr1 ${name}`, `child ${name}`]));
    const refused = await run('signal', 'KILL', 'shop');
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('cannot send SIGKILL to db: that ends it, and it would be taken for a crash');
    const before = await pidsOf();
    for (let round = 0; round < 2; round += 1) {
      await forget();
      const forced = await run('signal', 'KILL', 'shop', '--force');
      expect([forced.all, forced.code]).toEqual([expect.stringContaining('3 signalled.'), 0]);
      await heard(...SHOP.map((name) => `up ${name}`));
      await allRun();
    }
    const after = await world.status();
    for (const name of SHOP) {
      expect(after.get(name)?.pid).not.toBe(before[name]);
      expect(after.get(name)?.note).toBeNull();
    }
    expect((await run('--dry-run')).code).toBe(0);
    expect((await run('history', 'engine')).stdout).toMatch(/SIGKILL sent to its process by root; it ends by that/);
  });

  it('stop, start and restart: a group in its order, a pattern, all of it', async () => {
    await forget();
    const stopped = await run('stop', 'shop');
    expect([stopped.all, stopped.code]).toEqual([expect.stringContaining('3 done'), 0]);
    expect(said()).toEqual(['term web', 'term engine', 'term db']);
    const status = await run('status', 'shop');
    expect(status.code).toBe(3);
    expect(status.stdout.match(/left alone until/g)).toHaveLength(3);
    expect((await run('status', 'legacy', 'dumb')).code).toBe(0);
    await forget();
    expect((await run('start', 'shop:*')).code).toBe(0);
    expect(await heard('up web')).toEqual(['up db', 'up engine', 'up web']);
    const before = await pidsOf();
    expect((await run('restart', '[dwel]*')).code).toBe(0);
    const after = await pidsOf();
    for (const name of [...SHOP, 'legacy', 'dumb']) expect([name, after[name] === before[name]]).toEqual([name, false]);
    // What runs others is restarted where it is named alone, and stopped with all.
    expect(after['supervisord-dolphin']).toBe(before['supervisord-dolphin']);
    expect((await run('stop', '--all')).code).toBe(0);
    expect(await pidsOf()).toEqual({});
    expect((await run('start', '--all')).code).toBe(0);
    await allRun();
  });

  it('reload and signal the same where no daemon runs, and it is recorded', async () => {
    await world.host.systemctl('stop', 'reconciled');
    await forget();
    const shop = await run('reload', 'shop');
    expect([shop.all, shop.code]).toEqual([expect.stringContaining('\n3 reloaded.\n'), 0]);
    expect((await run('signal', 'usr1', 'shop')).code).toBe(0);
    await heard('hup db', 'hup engine', ...SHOP.map((name) => `usr1 ${name}`));
    expect((await run('history', 'db')).stdout).toContain('has read its settings anew, asked for by root');
  });
});
