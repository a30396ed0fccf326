/** ms. A start takes two or three: beyond so much of them in a turn of the event loop, the next waits for the next turn. */
const SHARE = 1;

/** ms. A look at all services takes many turns: while somebody waits for one, starts come so far apart. */
const APART = 20;

/**
 * Makes starts at once, but not many in one turn of the event loop: two hundred that are due in the same moment would keep
 * whoever asks something waiting for half a second.
 */
export class Starts {
  readonly #waiting: (() => void)[] = [];
  #spent = 0;
  #last = Number.NEGATIVE_INFINITY;
  #looks = 0;
  #next: NodeJS.Immediate | undefined;

  /** `start` never throws. */
  take(start: () => void): void {
    if (this.#waiting.length > 0 || !this.#hasRoom()) this.#waiting.push(start);
    else this.#make(start);
    // Also where none waits: what was spent in this turn is over then.
    this.#next ??= setImmediate(() => this.#turn());
  }

  /** Somebody waits for this: what is to be started mostly waits until it is there. */
  async behind<T>(look: () => Promise<T>): Promise<T> {
    this.#looks += 1;
    try {
      return await look();
    } finally {
      this.#looks -= 1;
    }
  }

  #hasRoom(): boolean {
    if (this.#looks > 0 && performance.now() - this.#last < APART) return false;
    return this.#spent < SHARE;
  }

  #make(start: () => void): void {
    const at = performance.now();
    start();
    this.#last = performance.now();
    this.#spent += this.#last - at;
  }

  #turn(): void {
    this.#next = undefined;
    this.#spent = 0;
    while (this.#hasRoom()) {
      const start = this.#waiting.shift();
      if (start === undefined) return;
      this.#make(start);
    }
    if (this.#waiting.length > 0) this.#next = setImmediate(() => this.#turn());
  }
}
