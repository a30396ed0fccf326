import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { migration, type Name, UNITS } from './handover/declared.ts';
import { expectBaseline, expectMigrated, expectScansInOrder } from './handover/ends.ts';
import { type Gaps, gapsOf } from './handover/printed.ts';
import { World } from './handover/world.ts';

const NAMES: readonly Name[] = ['scan_bridge', 'nautilus_trader'];
const INSTANCE = 'supervisord-dolphin.service';

/** The night of the report, as one commit; and its way back, as one revert. */
describeOnSystemd('the origin story', () => {
  let world: World;
  let daemon = 0;
  const scan = () =>
    (JSON.parse(world.state('nautilus_progress.json')) as { last_scan_number: number }).last_scan_number;

  /** What was printed is what a sampler saw from outside, and short. */
  const expectShortGaps = (printed: Gaps, since: number) => {
    for (const name of NAMES) {
      const seen = world.sampler.gaps(name, since).find(({ to }) => to === world.pid(name));
      const told = printed[name];
      const all = JSON.stringify({ name, told, seen, worst: world.sampler.worst() });
      if (seen === undefined || told === undefined) throw new Error(`no gap: ${all}`);
      // Where the machine was so busy that even the sampler had to wait, so had they.
      const noise = Math.max(0, world.sampler.worst() - 25);
      expect(told.process, all).toBeLessThanOrEqual(150 + 3 * noise);
      expect(told.ready, all).toBeGreaterThanOrEqual(told.process);
      // Each may notice the end of the old one, and the new one, some milliseconds after it: more of them on a busy machine,
      // where one that is woken late for the old one's end takes the gap for shorter.
      expect(told.process, all).toBeGreaterThan(seen.process.least - 50 - noise);
      expect(told.process, all).toBeLessThan(seen.process.most + 50 + noise);
    }
  };

  beforeAll(async () => {
    world = await World.create({ names: NAMES });
    daemon = await world.startDaemon();
    await until(() => world.sampler.gaps('nautilus_trader').length >= 2);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('the restarter is named, with what it does and how often', async () => {
    const { words } = await world.reconcile('who', '--restarts', 'nautilus_trader', '--for', '10s');
    expect(words).toContain(`pid ${daemon}`);
    expect(words).toContain('python3 /opt/dolphin/prod/meta_health_daemon_v2.py');
    expect(words).toMatch(/systemctl restart .*dolphin-nautilus-trader\.service/);
    expect(words).toMatch(/every (1\.9|2(\.\d)?) ?s\b/);
    expect(words).toContain('by hand');
    expect(words).toContain('root');
  });

  it('a dry run shows every step, and changes nothing', async () => {
    await world.commit('Under supervisord, without the health daemon', migration(NAMES, { daemon: true }));
    const { code, stdout } = await world.reconcile('--dry-run', '--json');
    const { steps, held } = JSON.parse(stdout) as { steps: { id: string; after: string[] }[]; held: unknown[] };
    expect(code).toBe(2);
    expect(held).toEqual([]);
    expect(steps.map(({ id }) => id).sort()).toEqual([
      'create:nautilus_trader',
      'create:scan_bridge',
      'create:supervisord-dolphin',
      'handover:nautilus_trader',
      'handover:scan_bridge',
      'retire:meta_health_daemon',
    ]);
    const waits = Object.fromEntries(steps.map(({ id, after }) => [id, after]));
    expect(waits['handover:scan_bridge']).toContain('create:supervisord-dolphin');
    expect(waits['handover:scan_bridge']).toContain('retire:meta_health_daemon');
    expect(waits['handover:nautilus_trader']).toContain('handover:scan_bridge');
    const { words } = await world.reconcile('--dry-run');
    for (const name of NAMES) expect(words).toContain(UNITS[name]);
    expect(words).toContain(`python3 /opt/dolphin/prod/meta_health_daemon_v2.py`);
    // The health daemon goes on restarting them meanwhile.
    const calm = async () => Object.values(await world.units()).every(({ active }) => active === 'active');
    await until(calm);
    expect(Object.values(await world.units()).map(({ fileState }) => fileState)).toEqual(['enabled', 'enabled']);
    expect(await world.dropIns()).toBe('');
    expect(world.pid('meta_health_daemon')).toBe(daemon);
  });

  it('an apply hands over one after another, in less than 150 ms each', async () => {
    const [since, before] = [world.sampler.mark(), scan()];
    const { code, all } = await world.reconcile();
    expect([code, all]).toEqual([0, expect.stringContaining('Applied: ')]);
    await world.sampler.caughtUp();
    await expectMigrated(world);
    expect(world.sampler.doubles()).toEqual([]);
    expectShortGaps(gapsOf(all), since);
    expect(world.sampler.now('meta_health_daemon')).toEqual([]);
    await until(() => scan() > before + 5);
    expectScansInOrder(world);
  });

  it('nothing comes back, and nobody is restarted: two rounds of the health daemon later', async () => {
    const pids = NAMES.map((name) => world.pid(name));
    const since = world.sampler.mark();
    for (const name of NAMES) await world.host.exec(['systemctl', 'start', UNITS[name]]);
    await until(() => world.sampler.mark() > since + 4500);
    await world.sampler.caughtUp();
    expect(NAMES.map((name) => world.pid(name))).toEqual(pids);
    expect(world.sampler.now('meta_health_daemon')).toEqual([]);
    expect(world.sampler.doubles()).toEqual([]);
  });

  it('what was wrong in the report is right: the group, the start at boot, the limit', async () => {
    expect((await world.reconcile('--only', 'dolphin:*', '--dry-run')).code).toBe(0);
    expect(world.host.read('/etc/supervisor/dolphin.d/reconciled-dolphin.conf')).not.toContain('autostart=true');
    expect(await world.unitFileState(INSTANCE)).toBe('enabled');
    const pid = world.pid('nautilus_trader');
    expect(world.host.read(`/proc/${pid}/limits`)).toMatch(/^Max address space +2147483648 +2147483648 /m);
    await world.host.exec(['kill', '-USR1', String(pid)]);
    await until(() => world.state('allocation') !== '');
    expect(world.state('allocation')).toBe('"MemoryError"');
  });

  it('git revert is the way back, as short', async () => {
    const [since, before] = [world.sampler.mark(), scan()];
    await world.revert();
    expect((await world.reconcile('--dry-run')).code).toBe(2);
    const { code, all } = await world.reconcile();
    expect([code, all]).toEqual([0, expect.stringContaining('Applied: ')]);
    await world.sampler.caughtUp();
    await expectBaseline(world);
    expect(world.sampler.doubles()).toEqual([]);
    expectShortGaps(gapsOf(all), since);
    expect(world.sampler.now('meta_health_daemon')).toEqual([]);
    await until(() => scan() > before + 5);
    expectScansInOrder(world);
  });
});
