import { expect } from 'vitest';
import type { Files } from './declared.ts';
import { type Interrupted, interrupted } from './interrupted.ts';
import type { World } from './world.ts';

/** One that goes on while an earlier one failed tells more; many that fail tell no more. */
const MOST = 3;

export type Way = 'there' | 'back';

export interface Everywhere {
  readonly create: () => Promise<World>;
  readonly files: Files;
  /** Before each way there. */
  readonly before?: (world: World) => Promise<unknown>;
  /** Interrupts it at its n-th part; by default by kill -9. */
  readonly interrupt?: (world: World, n: number) => Promise<Interrupted>;
  readonly check: (world: World, way: Way) => Promise<void>;
  /** Both where left out; the other one is only gone. */
  readonly ways?: readonly Way[];
  /** From this part on, and each so many parts after it: several tests share the parts of a long way. */
  readonly first?: number;
  readonly every?: number;
}

/**
 * Interrupts the way there and the way back at every part of each, in turn, until both have come to their ends undisturbed;
 * what is interrupted is ended by one run. What one has finished is what the next begins with. The parts it was interrupted
 * at; an error that tells all failures where there were some.
 */
export async function everywhere(steps: Everywhere): Promise<readonly string[]> {
  const {
    create,
    files,
    before,
    interrupt = interrupted,
    check,
    ways = ['there', 'back'],
    first = 0,
    every = 1,
  } = steps;
  const [failures, parts]: [string[], string[]] = [[], []];
  const left = new Set(ways);
  let world = await create();
  try {
    for (let n = first; left.size > 0 && failures.length < MOST; n += every) {
      for (const way of ['there', 'back'] as const) {
        let told: Interrupted | undefined;
        let finish = '';
        try {
          if (way === 'there') {
            await before?.(world);
            await world.commit(`There, ${n}`, files);
          } else await world.revert();
          if (ways.includes(way)) {
            told = await interrupt(world, n);
            if (told.at === undefined) left.delete(way);
            else parts.push(`${way}: ${told.at}`);
          }
          if (told === undefined || told.at !== undefined) {
            const { code, all } = await world.reconcile();
            finish = all;
            expect(code, 'the next run').toBe(0);
          }
          await world.sampler.caughtUp();
          expect(world.sampler.doubles(), 'two copies').toEqual([]);
          await check(world, way);
        } catch (error) {
          const said = `--- interrupted:\n${told?.output}--- the next run:\n${finish}`;
          const { message, actual } = error as Error & { readonly actual?: unknown };
          failures.push(`${way}, interrupted at ${n} (${told?.at}): ${message} ${actual ?? ''}\n${said}`);
          await world[Symbol.asyncDispose]();
          world = await create();
          if (way === 'back') continue;
          await world.commit('There', files);
          const { code, all } = await world.reconcile();
          if (code !== 0) throw new Error(`${failures.join('\n')}\nnot even undisturbed: ${all}`);
        }
      }
    }
  } finally {
    await world[Symbol.asyncDispose]();
  }
  expect(failures.join('\n\n')).toBe('');
  return parts;
}
