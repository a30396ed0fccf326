import { afterEach, expect, it } from 'vitest';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { expectBaseline, expectUnder } from './handover/ends.ts';
import { interrupted } from './handover/interrupted.ts';
import { moved, ONE } from './handover/killed.ts';
import { partsOf } from './handover/printed.ts';
import { World } from './handover/world.ts';

const NO_RETRIES = { ready: '1s', retries: 0 };

describeOnSystemd('a handover that is killed while it is reversed', { timeout: 400_000 }, () => {
  let world: World | undefined;
  afterEach(() => world?.[Symbol.asyncDispose]());

  it('at any part of that: the old one is in force after the next run, which says why', async () => {
    const at = await World.create({ names: ONE });
    world = at;
    // What Git says differs each time: one that has failed is not tried again.
    const fail = (n: number) =>
      at.commit(`Fails, ${n}`, moved({ environment: { MISBEHAVE: 'exit', TRY: `${n}` }, start: NO_RETRIES }));
    const undisturbed = 1000;
    const failures: string[] = [];
    let [n, last] = [undisturbed, undisturbed];
    do {
      await fail(n);
      const told = await interrupted(at, n);
      if (n === undisturbed) {
        const parts = partsOf(told.output);
        n = parts.findIndex((line) => line.includes('under supervisord/dolphin:'));
        last = parts.length;
        expect(n, told.output).toBeGreaterThan(0);
      }
      const { code, all } = await at.reconcile();
      await at.sampler.caughtUp();
      const said = `interrupted at ${n} (${told.at}): ${told.output}\n--- the next run:\n${all}`;
      if (code !== 3) failures.push(`${code}: ${said}`);
      await expectUnder(at, ONE).catch((error) => failures.push(`${error.message}: ${said}`));
      expect((await at.reconcile('--dry-run')).all).toMatch(/! nautilus_trader +held/);
      expect(at.sampler.doubles()).toEqual([]);
      await at.revert();
      expect((await at.reconcile()).code).toBe(0);
      await expectBaseline(at);
      n += 1;
    } while (n <= last && failures.length < 3);
    expect(failures.join('\n\n')).toBe('');
  });
});
