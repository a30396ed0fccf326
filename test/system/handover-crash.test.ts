import { afterEach, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type Files, migration } from './handover/declared.ts';
import { expectBaseline, expectMigrated, expectUnder } from './handover/ends.ts';
import { type Interrupted, interrupted } from './handover/interrupted.ts';
import { partsOf } from './handover/printed.ts';
import { World } from './handover/world.ts';

const NAMES = ['nautilus_trader'] as const;
/** One that goes on while an earlier one failed tells more; many that fail tell no more. */
const MOST = 3;
const NO_RETRIES = { ready: '1s', retries: 0 };

/** One service, quick to be ready: the engine, which keeps its progress. */
function moved(settings: object, daemon: boolean): Files {
  const more = { nautilus_trader: { start: { ready: '0s' }, soak: '100ms', ...settings } };
  return migration(NAMES, { more, daemon });
}

describeOnSystemd('a handover that is interrupted', { timeout: 560_000 }, () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.[Symbol.asyncDispose]();
    world = undefined;
  });

  /**
   * Interrupts the way there and the way back at every part of each, in turn, until both have come to their ends undisturbed.
   * What one has finished is what the next begins with.
   */
  async function everywhere(steps: {
    readonly create: () => Promise<World>;
    readonly files: Files;
    readonly before: (world: World) => Promise<unknown>;
    readonly interrupt: (world: World, n: number) => Promise<Interrupted>;
    readonly check: (world: World, there: boolean) => Promise<void>;
  }): Promise<{ readonly failures: readonly string[]; readonly parts: readonly string[] }> {
    const [failures, parts]: [string[], string[]] = [[], []];
    const whole = { there: false, back: false };
    world = await steps.create();
    for (let n = 0; !(whole.there && whole.back) && failures.length < MOST; n += 1) {
      for (const way of ['there', 'back'] as const) {
        const current: World = world;
        let told: Interrupted | undefined;
        let finish = '';
        try {
          if (way === 'there') {
            await steps.before(current);
            await current.commit(`There, ${n}`, steps.files);
          } else await current.revert();
          told = await steps.interrupt(current, n);
          if (told.at === undefined) whole[way] = true;
          else {
            parts.push(`${way}: ${told.at}`);
            const { code, all } = await current.reconcile();
            finish = all;
            expect(code, 'the next run').toBe(0);
          }
          await steps.check(current, way === 'there');
        } catch (error) {
          const said = `--- interrupted:\n${told?.output}--- the next run:\n${finish}`;
          const { message, actual } = error as Error & { readonly actual?: unknown };
          failures.push(`${way}, interrupted at ${n} (${told?.at}): ${message} ${actual ?? ''}\n${said}`);
          await current[Symbol.asyncDispose]();
          world = await steps.create();
          if (way === 'back') continue;
          await world.commit('There', steps.files);
          const { code, all } = await world.reconcile();
          if (code !== 0) throw new Error(`${failures.join('\n')}\nnot even undisturbed: ${all}`);
        }
      }
    }
    return { failures, parts };
  }

  it('by kill -9 at any part, there and back: the next run ends it, and two copies never were', async () => {
    const { failures, parts } = await everywhere({
      create: () => World.create({ names: NAMES }),
      files: moved({ autostart: false }, true),
      before: (at) => at.startDaemon(),
      interrupt: (at, n) => interrupted(at, n),
      check: async (at, there) => {
        await at.sampler.caughtUp();
        expect(at.sampler.doubles(), 'two copies').toEqual([]);
        expect(at.sampler.now('meta_health_daemon')).toEqual([]);
        await (there ? expectMigrated(at) : expectBaseline(at));
      },
    });
    expect(failures.join('\n\n')).toBe('');
    // The plan, its beginning, each stage and its end: fewer means that they were not told.
    expect(parts.length, parts.join('\n')).toBeGreaterThan(16);
  });

  it('by a power failure at any stage: the boot starts one at most, and the next run ends it', async () => {
    const none: string[] = [];
    const { failures, parts } = await everywhere({
      create: () => World.create({ names: NAMES }),
      files: moved({ autostart: true }, false),
      before: async () => {},
      interrupt: async (at, n) => {
        // At every other part: a boot takes its time.
        const told = await interrupted(at, 2 * n + 1, () => at.powerCut());
        if (told.at === undefined) return told;
        const booted = await until(() => at.pid('nautilus_trader') > 0, 5).catch(() => false);
        if (!booted) none.push(told.at);
        return told;
      },
      check: async (at, there) => {
        await at.sampler.caughtUp();
        expect(at.sampler.doubles(), 'two copies').toEqual([]);
        await (there ? expectMigrated(at) : expectBaseline(at));
      },
    });
    expect(failures.join('\n\n')).toBe('');
    expect(parts.length, parts.join('\n')).toBeGreaterThan(8);
    // Given up, and the new one not yet started at boot: better none than two.
    expect(none.filter((at) => !/disabl|at boot/.test(at))).toEqual([]);
  });

  it('by kill -9 while it is reversed: the old one is in force after the next run, which says why', async () => {
    const at = await World.create({ names: NAMES });
    world = at;
    // What Git says differs each time: one that has failed is not tried again.
    const fail = (n: number) =>
      at.commit(`Fails, ${n}`, moved({ environment: { MISBEHAVE: 'exit', TRY: `${n}` }, start: NO_RETRIES }, false));
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
      await expectUnder(at, NAMES).catch((error) => failures.push(`${error.message}: ${said}`));
      expect((await at.reconcile('--dry-run')).all).toMatch(/! nautilus_trader +held/);
      expect(at.sampler.doubles()).toEqual([]);
      await at.revert();
      expect((await at.reconcile()).code).toBe(0);
      await expectBaseline(at);
      n += 1;
    } while (n <= last && failures.length < MOST);
    expect(failures.join('\n\n')).toBe('');
  });
});
