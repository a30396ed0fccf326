/** ms. A start takes two or three: beyond so much of them in a turn of the event loop, the next waits for the next turn. */
const SHARE = 1;

/**
 * Makes starts at once, but not many in one turn of the event loop: two hundred that are due in the same moment would keep
 * whoever asks something waiting for half a second.
 */
export class Starts {
  readonly #waiting: (() => void)[] = [];
  #spent = 0;
  #next: NodeJS.Immediate | undefined;

  /** `start` never throws. */
  take(start: () => void): void {
    if (this.#waiting.length > 0 || this.#spent >= SHARE) this.#waiting.push(start);
    else this.#make(start);
    this.#next ??= setImmediate(() => this.#turn());
  }

  #make(start: () => void): void {
    const at = performance.now();
    start();
    this.#spent += performance.now() - at;
  }

  #turn(): void {
    this.#next = undefined;
    this.#spent = 0;
    while (this.#spent < SHARE) {
      const start = this.#waiting.shift();
      if (start === undefined) return;
      this.#make(start);
    }
    this.#next = setImmediate(() => this.#turn());
  }
}
