/** Lets others wait for a condition of something that says when it has changed. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  tell(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Resolves once `reached` is true, or on abort. */
  async until(reached: () => boolean, signal: AbortSignal): Promise<void> {
    while (!reached() && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#waiting.add(done);
        signal.addEventListener('abort', done);
      });
    }
  }
}
