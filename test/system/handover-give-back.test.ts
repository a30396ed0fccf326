import { afterEach, expect, it } from 'vitest';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { BASELINE, migration, type Name } from './handover/declared.ts';
import { expectBaseline, expectMigrated, expectScansInOrder } from './handover/ends.ts';
import { World } from './handover/world.ts';

const NAMES: readonly Name[] = ['scan_bridge', 'nautilus_trader'];

/** The first commit knows nothing of the two, only of a third: what they were before is known by the marks on the host alone. */
describeOnSystemd('services that Git has no more', () => {
  let world: World;
  afterEach(() => world?.[Symbol.asyncDispose]());

  it('are given back to the units that ran them, and the supervisord goes with the last', async () => {
    world = await World.create();
    const undeclared = Object.fromEntries(NAMES.map((name) => [`services/${name}.yaml`, null]));
    await world.commit('One is declared', { ...BASELINE(['ticker']), ...undeclared });
    await world.commit('There', migration(NAMES));
    expect((await world.reconcile()).code).toBe(0);
    await expectMigrated(world, NAMES);

    await world.revert();
    const { code, stdout } = await world.reconcile('--dry-run', '--json');
    const { steps, held } = JSON.parse(stdout) as { steps: { id: string; after: string[] }[]; held: unknown[] };
    expect({ code, held }).toEqual({ code: 2, held: [] });
    expect(steps.map(({ id }) => id).sort()).toEqual([
      'give-back:nautilus_trader',
      'give-back:scan_bridge',
      'remove:supervisord-dolphin',
    ]);
    expect(steps.at(-1)).toMatchObject({
      id: 'remove:supervisord-dolphin',
      after: ['give-back:nautilus_trader', 'give-back:scan_bridge'],
    });
    const { code: applied, all } = await world.reconcile();
    expect([applied, all]).toEqual([0, expect.stringContaining('Applied: ')]);
    await world.sampler.caughtUp();
    await expectBaseline(world);
    expect(world.sampler.doubles()).toEqual([]);
    expectScansInOrder(world);
  });
});
