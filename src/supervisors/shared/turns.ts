/** Lets so many act at once; the others wait their turn, first come, first served. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * `act` gets what is left (ms) of its limit, which includes the time it waited. Who waits behind those that are never
   * answered gets its turn when these give up, and gives up as soon as its own time is over.
   */
  async take<T>(limit: number, late: () => Error, act: (left: number) => Promise<T>): Promise<T> {
    const end = performance.now() + limit;
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      const left = end - performance.now();
      if (left <= 0) throw late();
      return await act(left);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
