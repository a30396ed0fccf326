import { expect, it } from 'vitest';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { BASELINE } from './handover/declared.ts';
import { expectBaseline, expectMigrated } from './handover/ends.ts';
import { everywhere, type Way } from './handover/everywhere.ts';
import { interrupted } from './handover/interrupted.ts';
import { moved, ONE } from './handover/killed.ts';
import { World } from './handover/world.ts';

/** The way back of a service that Git has no more, which marks on the host alone tell. */
describeOnSystemd('what is given back, interrupted', { timeout: 400_000 }, () => {
  const undeclaredOne = async () => {
    const one = await World.create({ names: ['nautilus_trader', 'ticker'] });
    await one.commit('Undeclared', { ...BASELINE(['ticker']), 'services/nautilus_trader.yaml': null });
    return one;
  };
  const check = (one: World, way: Way) => (way === 'there' ? expectMigrated(one, ONE) : expectBaseline(one));

  it('killed at any part: the next run ends it', async () => {
    const files = moved({ autostart: false });
    const parts = await everywhere({ create: undeclaredOne, files, check, ways: ['back'] });
    expect(parts.length, parts.join('\n')).toBeGreaterThan(6);
  });

  it('a power failure at every other part: the boot starts one at most, and the next run ends it', async () => {
    const interrupt = (one: World, n: number) => interrupted(one, n, () => one.powerCut());
    // One that would start at boot itself.
    const files = moved({ autostart: true });
    const parts = await everywhere({
      create: undeclaredOne,
      files,
      check,
      ways: ['back'],
      interrupt,
      first: 1,
      every: 2,
    });
    expect(parts.length, parts.join('\n')).toBeGreaterThan(2);
  });
});
