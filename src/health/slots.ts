/** What is woken at its time; it may be woken too early, for a time that no longer is its. */
export interface Sleeper {
  wake(now: number): void;
}

/**
 * One timer for all probes: those that are due within the same 20 ms are woken together. That many probes cost few turns of
 * the event loop, and no timer each.
 */
export interface Slots {
  /** Has it woken at that time (of `performance.now()`) or up to 20 ms later. */
  put(sleeper: Sleeper, due: number): void;
  /** While true the process does not end for having nothing else to do. */
  hold(on: boolean): void;
  close(): void;
}

const GRAIN = 20;

/** Timers of Node end at 2^31 ms. */
const LONGEST = 2 ** 31 - 1;

export function createSlots(): Slots {
  const slots = new Map<number, Sleeper[]>();
  /** Their numbers, the last first. */
  const order: number[] = [];
  let timer: NodeJS.Timeout | undefined;
  let armed = Number.POSITIVE_INFINITY;
  let held = false;

  function arm(): void {
    const next = order.at(-1) ?? Number.POSITIVE_INFINITY;
    if (next === armed) return;
    clearTimeout(timer);
    armed = next;
    timer = undefined;
    if (next === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(fire, Math.min(LONGEST, Math.max(1, next * GRAIN - performance.now())));
    if (!held) timer.unref();
  }

  function fire(): void {
    armed = Number.POSITIVE_INFINITY;
    const now = performance.now();
    // A timer may come a little early.
    const last = Math.floor((now + 1) / GRAIN);
    for (let slot = order.at(-1); slot !== undefined && slot <= last; slot = order.at(-1)) {
      order.pop();
      const sleepers = slots.get(slot) ?? [];
      slots.delete(slot);
      for (const sleeper of sleepers) sleeper.wake(Math.max(now, slot * GRAIN));
    }
    arm();
  }

  return {
    put(sleeper, due) {
      const slot = Math.ceil(due / GRAIN);
      const there = slots.get(slot);
      if (there !== undefined) {
        there.push(sleeper);
        return;
      }
      slots.set(slot, [sleeper]);
      order.splice(placeOf(order, slot), 0, slot);
      arm();
    },
    hold(on) {
      held = on;
      if (on) timer?.ref();
      else timer?.unref();
    },
    close() {
      clearTimeout(timer);
      slots.clear();
      order.length = 0;
      armed = Number.POSITIVE_INFINITY;
    },
  };
}

/** Where in descending numbers one that is not among them belongs. */
function placeOf(order: readonly number[], slot: number): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((order[middle] ?? 0) > slot) low = middle + 1;
    else high = middle;
  }
  return low;
}
