import { afterEach, expect, it } from 'vitest';
import { until } from '../../rig/host.ts';
import { describeOnSystemd } from '../../rig/systemd/describe.ts';
import { sh } from '../../rig/systemd/units.ts';
import { PROGRAMS, UNITS } from './declared.ts';
import { expectBaseline, expectScansInOrder } from './ends.ts';
import { World } from './world.ts';

/** What the other tests rest on: the programs do as those of the report did, and the sampler misses nothing. */
describeOnSystemd('the host of the origin story', () => {
  let world: World;
  afterEach(() => world?.[Symbol.asyncDispose]());

  it('a health daemon restarts both services every 2 s, whatever they do', async () => {
    world = await World.create({ names: ['scan_bridge', 'nautilus_trader'], daemon: true });
    const since = world.sampler.mark();
    await until(() => world.sampler.gaps('nautilus_trader', since).length >= 6);
    await until(() => world.sampler.gaps('scan_bridge', since).length >= 3);
    const ends = world.sampler.spans('nautilus_trader').flatMap(({ at, copies }) => (copies.length === 0 ? [at] : []));
    // How long systemd takes for one round is the machine's affair: the middle one of five.
    const last = ends.slice(-6);
    const apart = last.slice(1).map((at, number) => at - (last[number] ?? 0));
    expect(Math.round((apart.toSorted((a, b) => a - b)[2] ?? 0) / 500) / 2, apart.join()).toBe(2);
    expect(world.sampler.doubles()).toEqual([]);
    expect((await world.reconcile('--dry-run')).words).toBe('No changes: everything is as desired. ');
    expectScansInOrder(world);
    expect(world.scans().length).toBeGreaterThan(40);
  });

  it('two copies are seen, and a gap is measured from both sides', async () => {
    world = await World.create({ names: ['ticker'] });
    const { sampler, host } = world;
    // Its port is taken: it is there for some 50 ms only.
    await sh(host, `cd / && runuser -u dolphin -- ${PROGRAMS.ticker.join(' ')} 2>/dev/null || true`);
    await sampler.caughtUp();
    expect(sampler.doubles().map(({ name, copies }) => [name, copies.length])).toEqual([['ticker', 2]]);
    const since = sampler.mark();
    await host.systemctl('stop', UNITS.ticker);
    await host.systemctl('start', UNITS.ticker);
    await until(() => world.pid('ticker') > 0);
    const [gap] = sampler.gaps('ticker', since);
    for (const bounds of [gap?.process, gap?.program]) {
      expect(bounds?.most).toBeGreaterThan(bounds?.least ?? 1000);
      expect(bounds?.most).toBeLessThan(1000);
    }
    expect(world.cgroup(world.pid('ticker'))).toBe(UNITS.ticker);
    expect(sampler.doubles(since)).toEqual([]);
  });

  it('a power failure ends all of it but for what its units start at boot, and no scan is lost', async () => {
    world = await World.create({ names: ['scan_bridge', 'nautilus_trader'], daemon: true });
    await until(() => world.scans().length > 10);
    await world.powerCut();
    await until(() => world.pid('scan_bridge') > 0 && world.pid('nautilus_trader') > 0);
    expect(world.sampler.now('meta_health_daemon')).toEqual([]);
    await expectBaseline(world);
    const before = world.scans().length;
    await until(() => world.scans().length > before + 10);
    expectScansInOrder(world);
  });
});
