import type { ServiceId } from '../../model.ts';

/** Timers of Node end at 2^31 ms. */
const LONGEST = 2 ** 31 - 1;

/** When services that spent their restarts are tried again: one timer each. */
export class Trials implements Disposable {
  readonly #try: (id: ServiceId) => void;
  readonly #timers = new Map<ServiceId, { readonly until: number; readonly timer: NodeJS.Timeout }>();

  constructor(tryNow: (id: ServiceId) => void) {
    this.#try = tryNow;
  }

  /** `until`: ms since the epoch, by service; all that is not among them is not tried. */
  follow(held: ReadonlyMap<ServiceId, number>): void {
    for (const id of [...this.#timers.keys()]) if (!held.has(id)) this.#drop(id);
    for (const [id, until] of held) {
      if (this.#timers.get(id)?.until === until) continue;
      this.#drop(id);
      const timer = setTimeout(
        () => {
          this.#timers.delete(id);
          this.#try(id);
        },
        Math.min(Math.max(0, until - Date.now()), LONGEST),
      );
      this.#timers.set(id, { until, timer });
    }
  }

  /** One of them is tried then, and no sooner. */
  again(id: ServiceId, until: number): void {
    const all = [...this.#timers].map(([one, { until }]) => [one, until] as const);
    this.follow(new Map([...all, [id, until]]));
  }

  #drop(id: ServiceId): void {
    clearTimeout(this.#timers.get(id)?.timer);
    this.#timers.delete(id);
  }

  [Symbol.dispose](): void {
    this.follow(new Map());
  }
}
