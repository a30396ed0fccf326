import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSlots, type Slots } from '../../../src/health/slots.ts';

let slots: Slots;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  slots = createSlots();
});

afterEach(() => {
  slots.close();
  vi.useRealTimers();
});

/** When each was woken, from now on. */
function sleepers(...due: readonly number[]): number[] {
  const began = performance.now();
  const woken: number[] = [];
  due.forEach((wait, i) => {
    slots.put({ wake: () => (woken[i] = performance.now() - began) }, began + wait);
  });
  return woken;
}

it('wakes each at its time or up to 20 ms later, in whatever order they were put', async () => {
  const due = [500, 3, 0, 20, 499, 10_000, 21];
  const woken = sleepers(...due);
  await vi.advanceTimersByTimeAsync(11_000);
  due.forEach((wait, i) => {
    expect(woken[i]).toBeGreaterThanOrEqual(wait);
    expect(woken[i]).toBeLessThanOrEqual(wait + 22);
  });
});

it('wakes many with few timers', async () => {
  const woken = sleepers(...Array.from({ length: 1000 }, (_, i) => i / 10));
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(woken.filter((at) => at !== undefined)).toHaveLength(1000);
  expect(vi.getTimerCount()).toBe(0);
});

it('wakes one that is put by another while that is woken', async () => {
  const began = performance.now();
  const woken: number[] = [];
  slots.put(
    {
      wake: (now) => {
        slots.put({ wake: () => woken.push(performance.now() - began) }, now);
        slots.put({ wake: () => woken.push(performance.now() - began) }, now + 100);
      },
    },
    began + 50,
  );
  await vi.advanceTimersByTimeAsync(1000);
  expect(woken).toHaveLength(2);
  expect(woken[0]).toBeLessThanOrEqual(90);
});

it('wakes nobody once it is closed', async () => {
  const woken = sleepers(10, 20);
  slots.close();
  await vi.advanceTimersByTimeAsync(100);
  expect(woken).toEqual([]);
});
