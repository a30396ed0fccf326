import type { Heard } from './signals.ts';

/** So many units are known at most: those that come once and go, such as scopes, would be remembered for ever. */
const KNOWN = 10_000;

/**
 * Leaves out what systemd says without anything having happened:
 * - While it reloads it speaks of all units. Its word that it has done so may be lost with the bus or with systemd: then
 *   `reloaded` says so, or it is taken to be over after the longest time that a reload may take.
 * - To read a unit that is not in use loads it and unloads it, and each time all units that it names are told of as
 *   changed: who reads what is told to have changed would never come to rest.
 */
export class News {
  readonly #limit: number;
  readonly #known = new Map<string, string>();
  #reloading: NodeJS.Timeout | undefined;

  /** ms */
  constructor(reloadLimit: number) {
    this.#limit = reloadLimit;
  }

  /** Is this one? */
  has(heard: Heard): boolean {
    switch (heard.kind) {
      case 'reloading':
        clearTimeout(this.#reloading);
        this.#reloading = setTimeout(() => this.reloaded(), this.#limit).unref();
        return true;
      case 'reloaded':
        this.reloaded();
        return true;
      case 'unit-files-changed':
        return this.#reloading === undefined;
      case 'unit-changed': {
        if (this.#reloading !== undefined) return false;
        const state = `${heard.active} ${heard.sub} ${heard.job} ${heard.at}`;
        if (this.#known.get(heard.unit) === state) return false;
        this.#known.delete(heard.unit);
        this.#known.set(heard.unit, state);
        const [oldest] = this.#known.keys();
        if (this.#known.size > KNOWN && oldest !== undefined) this.#known.delete(oldest);
        return true;
      }
      default:
        return true;
    }
  }

  reloaded(): void {
    clearTimeout(this.#reloading);
    this.#reloading = undefined;
  }
}
