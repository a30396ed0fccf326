import { Forker } from './forker.ts';
import type { Launch } from './launch.ts';

/** ms. A start takes two or three: beyond so much of them in a turn of the event loop, the next waits for the next turn. */
const SHARE = 1;

/** ms. A look at all services takes many turns: while somebody waits for one, starts come so far apart. */
const APART = 20;

/** Where more are to come than this, a process is made that launches them. */
const MANY = 250;

/** So many launches it is asked for ahead. */
const AHEAD = 8;

/** ms. How long it stays when there is nothing left to launch. */
const LINGER = 5000;

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
  #forker: Forker | undefined;
  readonly #flying = new Set<Promise<number>>();
  #linger: NodeJS.Timeout | undefined;

  /** `start` never throws. */
  take(start: () => void): void {
    if (this.#waiting.length > 0 || !this.#hasRoom()) this.#waiting.push(start);
    else this.#make(start);
    clearTimeout(this.#linger);
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

  /** So many steps are being taken that may be starts. */
  expect(count: number): void {
    if (count <= MANY || this.#forker !== undefined) return;
    this.#forker = new Forker();
    this.#rest();
  }

  /** Launched by another process, where there is one: the pid of the shim. Rejects with what a system call said. */
  apart(launch: Launch): Promise<number> | undefined {
    if (this.#forker === undefined || !this.#forker.isReady || launch.gated) return undefined;
    const flying = this.#forker.launch(launch);
    const landed = () => {
      this.#flying.delete(flying);
      this.#next ??= setImmediate(() => this.#turn());
    };
    this.#flying.add(flying);
    flying.then(landed, landed);
    return flying;
  }

  /** Makes none any more, and waits for what is being launched. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#waiting.length = 0;
    await Promise.allSettled(this.#flying);
    this.#dismiss();
  }

  #dismiss(): void {
    clearTimeout(this.#linger);
    this.#forker?.close();
    this.#forker = undefined;
  }

  #hasRoom(): boolean {
    if (this.#flying.size >= AHEAD) return false;
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
      if (start === undefined) break;
      this.#make(start);
    }
    if (this.#waiting.length === 0) this.#rest();
    // What comes back makes room by itself.
    else if (this.#flying.size < AHEAD) this.#next = setImmediate(() => this.#turn());
  }

  #rest(): void {
    clearTimeout(this.#linger);
    if (this.#forker !== undefined && this.#flying.size === 0)
      this.#linger = setTimeout(() => this.#dismiss(), LINGER).unref();
  }
}
