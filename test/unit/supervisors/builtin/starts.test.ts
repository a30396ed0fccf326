import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Starts } from '../../../../src/supervisors/builtin/starts.ts';
import { until } from '../../../rig/host.ts';

/** Takes as long as starting a process does. */
function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Notes when each of so many starts is made. */
function many(starts: Starts, count: number): number[] {
  const made: number[] = [];
  for (let i = 0; i < count; i += 1) {
    starts.take(() => {
      made.push(performance.now());
      busy(2);
    });
  }
  return made;
}

it('makes one start at once, and of many at once one in a turn of the event loop', async () => {
  const starts = new Starts();
  const made = many(starts, 5);
  expect(made).toHaveLength(1);
  let turns = 0;
  while (made.length < 5) {
    const before = made.length;
    await nextTurn();
    turns += 1;
    expect(made.length - before).toBeLessThanOrEqual(1);
  }
  expect(turns).toBeLessThan(10);
});

it('lets a look at all services go before, and goes on meanwhile', async () => {
  const starts = new Starts();
  const look = Promise.withResolvers<string>();
  const looking = starts.behind(() => look.promise);
  const made = many(starts, 30);
  await until(() => made.length >= 3);
  for (const [i, at] of made.slice(1).entries()) expect(at - (made[i] ?? 0)).toBeGreaterThanOrEqual(20);
  expect(made.length).toBeLessThan(30);
  look.resolve('seen');
  expect(await looking).toBe('seen');
  await until(() => made.length === 30);
});

it('makes a single start at once, although somebody looks', async () => {
  const starts = new Starts();
  const look = Promise.withResolvers<void>();
  const looking = starts.behind(() => look.promise);
  await sleep(1);
  expect(many(starts, 1)).toHaveLength(1);
  look.resolve();
  await looking;
});
