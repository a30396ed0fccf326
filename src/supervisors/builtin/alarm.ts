/** Timers of Node end at 2^31 ms. */
const LONGEST = 2 ** 31 - 1;

/** Rings once, at one time. */
export class Alarm {
  #timer: NodeJS.Timeout | undefined;

  /** `due`: ms since the epoch. The clock may be set meanwhile: `ring` is told a time that is not before it. */
  set(due: number, ring: (now: number) => void): void {
    this.clear();
    const wait = Math.min(Math.max(0, due - Date.now()), LONGEST);
    this.#timer = setTimeout(() => {
      if (wait < LONGEST) ring(Math.max(due, Date.now()));
      else this.set(due, ring);
    }, wait);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
