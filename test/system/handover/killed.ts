import { expect } from 'vitest';
import { until } from '../../rig/host.ts';
import { type Files, migration } from './declared.ts';
import { expectBaseline, expectMigrated } from './ends.ts';
import { everywhere } from './everywhere.ts';
import { interrupted } from './interrupted.ts';
import { World } from './world.ts';

export const ONE = ['nautilus_trader'] as const;

/** One service, quick to be ready: the engine, which keeps its progress. */
export function moved(settings: object, daemon = false): Files {
  const more = { nautilus_trader: { start: { ready: '0s' }, soak: '100ms', ...settings } };
  return migration(ONE, { more, daemon });
}

/** Kill -9 at these parts of the way there, with the health daemon gone, and of the way back. */
export async function killedAt(first: number, every: number): Promise<readonly string[]> {
  return everywhere({
    create: () => World.create({ names: ONE }),
    files: moved({ autostart: false }, true),
    before: (world) => world.startDaemon(),
    check: async (world, way) => {
      expect(world.sampler.now('meta_health_daemon')).toEqual([]);
      await (way === 'there' ? expectMigrated(world) : expectBaseline(world));
    },
    first,
    every,
  });
}

/** A power failure at every fourth part, from `first` on, and the boot after it; the parts, and those where none ran then. */
export async function powerCutAt(
  first: number,
): Promise<{ readonly parts: readonly string[]; readonly none: readonly string[] }> {
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
    first,
    every: 4,
  });
  return { parts, none };
}
