import { expect, it } from 'vitest';
import { type DaemonProcess, type Result, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh } from '../rig/systemd/units.ts';
import { createWorld, type World } from '../rig/systemd/world.ts';

const SLEEP = { command: ['sleep', '1000'] };

describeOnSystemd('a dry run that asks the daemon', () => {
  async function withWorld(use: (host: SystemdHost, world: World, daemon: DaemonProcess) => Promise<void>) {
    await using host = await systemdHost();
    await using world = createWorld(host, 'foretold');
    for (const name of ['web', 'api', 'job']) world.declare(name, { ...SLEEP, environment: { API_TOKEN: 'hunter2' } });
    const daemon = await world.daemon();
    await daemon.saw('"event":"applied"');
    await until(async () => (await world.plan()).length === 0);
    await use(host, world, daemon);
  }

  it('takes no news from it: what is changed by hand while many look is seen as ever', async () => {
    await withWorld(async (host, world, daemon) => {
      let looking = true;
      const look = async () => {
        while (looking) await world.reconcile('--dry-run');
      };
      const lookers = [look(), look(), look()];
      try {
        for (let round = 0; round < 6; round += 1) {
          const said = () => (daemon.output().match(/web: stopped by (somebody|root)/g) ?? []).length;
          await host.systemctl('stop', 'web');
          await until(() => said() === round + 1, 10);
          await sh(host, 'systemctl reset-failed web; systemctl start web');
          await until(() => !host.read('/root/foretold/state/decisions/services.json').includes('"hold"'), 10);
        }
      } finally {
        looking = false;
        await Promise.all(lookers);
      }
    });
  });

  it('is the same as without it, with what is held, the files that it would write, and their secrets masked', async () => {
    await withWorld(async (host, world, daemon) => {
      const folder = '/root/foretold/run';
      const alone = async (...args: readonly string[]): Promise<Result> => {
        await sh(host, `mv ${folder}/control.sock ${folder}/hidden.sock`);
        try {
          return await world.reconcile(...args);
        } finally {
          await sh(host, `mv ${folder}/hidden.sock ${folder}/control.sock`);
        }
      };
      await host.systemctl('stop', 'web');
      await daemon.saw(/web: stopped by (somebody|root)/);
      // It is at something that takes long, so that what is saved meanwhile is still to be done.
      world.declare('slow', { ...SLEEP, start: { ready: '10m' } });
      await daemon.saw(/"service":"slow"/);
      world.declare('api', { ...SLEEP, environment: { API_TOKEN: 'hunter3', A: 'b' } });
      world.declare('job', { ...SLEEP, state: 'absent' });
      world.declare('more', { ...SLEEP, limits: { openFiles: 100 } });
      const all = [['--dry-run'], ['plan', '--json'], ['plan', '--only', 'api', 'web'], ['--dry-run', '--only', 'apo']];
      for (const args of all) {
        const told = await world.reconcile(...args);
        expect([args, told]).toEqual([args, await alone(...args)]);
        expect(told.stdout).not.toContain('hunter');
      }
      const { stdout } = await world.reconcile('--dry-run');
      expect(stdout).toMatch(/API_TOKEN=\*\*\*/);
      expect(stdout).toMatch(/! web +held/);
    });
  });
});
