import { expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { expectBaseline, expectMigrated } from './handover/ends.ts';
import { everywhere, SPARSE } from './handover/everywhere.ts';
import { interrupted } from './handover/interrupted.ts';
import { moved, ONE } from './handover/killed.ts';
import { World } from './handover/world.ts';

/** Half of every other part: a boot takes its time. */
describeOnSystemd('a handover that a power failure ends', { timeout: 400_000 }, () => {
  it('at every fourth part: the boot starts one at most, and the next run ends it', async () => {
    const none: string[] = [];
    const parts = await everywhere({
      create: () => World.create({ names: ONE }),
      files: moved({ autostart: true }),
      interrupt: async (world, n) => {
        const told = await interrupted(world, n, () => world.powerCut());
        if (told.at === undefined) return told;
        const booted = await until(() => world.pid('nautilus_trader') > 0, 5).catch(() => false);
        if (!booted) none.push(told.at);
        return told;
      },
      check: (world, way) => (way === 'there' ? expectMigrated(world) : expectBaseline(world)),
      first: 3,
      every: 4 * SPARSE,
    });
    expect(parts.length, parts.join('\n')).toBeGreaterThan(4 / SPARSE);
    // Given up, and the new one not yet started at boot: better none than two.
    expect(none.filter((at) => !/disabl|at boot/.test(at))).toEqual([]);
  });
});
