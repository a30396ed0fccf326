/** Lets others wait for a condition of something that says when it has changed. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  tell(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Resolves once `reached` is true, on abort, or after `limit` ms. */
  async until(reached: () => boolean, signal: AbortSignal, limit?: number): Promise<void> {
    if (reached() || signal.aborted) return;
    let late = false;
    let wake = () => {};
    const told = () => wake();
    // By hand: a combined signal for each of a thousand starts costs more than the starts' own bookkeeping.
    const end = () => {
      late = true;
      wake();
    };
    const timer = limit === undefined ? undefined : setTimeout(end, limit);
    this.#waiting.add(told);
    signal.addEventListener('abort', told);
    try {
      while (!reached() && !signal.aborted && !late) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(told);
      signal.removeEventListener('abort', told);
    }
  }
}
