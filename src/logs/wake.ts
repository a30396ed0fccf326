import { type FSWatcher, watch } from 'node:fs';

/** ms. Between two looks while something is written: what comes meanwhile is read at once. */
const BUSY = 40;
/** ms. For so long after the last that was written nobody is asked to tell when there is more. */
const QUIET = 1000;
/** ms. Where nothing is told (no watch left, a file system over the network), it is looked so often. */
const SLOW = 1000;
/** ms. The same where a file, and maybe its folder, is not there yet. */
const MISSING = 250;

/**
 * When to look again at files in folders. Told by the kernel while all is quiet; while much is written, that would be a
 * message for each write, and looking now and then is cheaper by far.
 */
export class Wake implements Disposable {
  #watchers: FSWatcher[] | undefined;
  #last = 0;
  #wake = () => {};

  /** Resolves when it is time; `busy`: there was something just now; `missing`: a file is not there. At once on abort, or when `now` is called. */
  next(
    folders: ReadonlySet<string>,
    { busy, missing }: { readonly busy: boolean; readonly missing: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    const time = Date.now();
    if (busy) this.#last = time;
    const quiet = time - this.#last >= QUIET;
    if (!quiet) this.#unwatch();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, quiet ? (missing ? MISSING : SLOW) : BUSY);
    this.#wake = resolve;
    signal.addEventListener('abort', this.now);
    // What was written before it is watched is seen by this look.
    if (quiet && this.#watchers === undefined) {
      this.#watch(folders);
      setImmediate(resolve);
    }
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', this.now);
    });
  }

  readonly now = (): void => {
    this.#wake();
  };

  /** The folders are others than before. */
  forget(): void {
    this.#unwatch();
  }

  [Symbol.dispose](): void {
    this.#unwatch();
  }

  #watch(folders: ReadonlySet<string>): void {
    this.#watchers = [...folders].flatMap((folder) => {
      try {
        return [watch(folder, this.#told).on('error', () => {})];
      } catch {
        return [];
      }
    });
  }

  readonly #told = (): void => {
    // Once is enough: until the next quiet time it is looked by the clock.
    this.#last = Date.now();
    this.#unwatch();
    this.#wake();
  };

  #unwatch(): void {
    for (const watcher of this.#watchers ?? []) watcher.close();
    this.#watchers = undefined;
  }
}
