/** systemd's own words for how a job ended (JobRemoved); what a newer systemd says besides is `failed`. */
export const JOB_RESULTS = [
  'done',
  'canceled',
  'timeout',
  'failed',
  'dependency',
  'skipped',
  'invalid',
  'assert',
  'unsupported',
  'collected',
  'once',
] as const;
export type JobResult = (typeof JOB_RESULTS)[number];

/**
 * - `interrupted`: we stopped waiting; the job goes on.
 * - `unseen`: it ended while systemd or the bus restarted; the unit's state tells what became of it.
 */
export type JobEnd = JobResult | 'interrupted' | 'unseen';

interface Waiter {
  /** Of the job; '' until it is known. */
  path: string;
  /** What is waited for: "cannot ACT". */
  readonly act: string;
  readonly resolve: (end: JobEnd) => void;
  readonly reject: (failure: unknown) => void;
}

/** How often (ms) systemd is asked for a job that is waited for: an end that was not heard is not waited for for ever. */
const ASK_AGAIN = 10_000;

/**
 * Waits for jobs of systemd to end. A job's end may be told before the answer that names the job: what ends while such
 * an answer is awaited is kept. Jobs outlive a restart of systemd or of the bus, the news of their end does not.
 */
export class Jobs {
  readonly #isThere: (path: string, act: string) => Promise<boolean>;
  readonly #waiting = new Set<Waiter>();
  readonly #early = new Map<string, JobResult>();
  #asked = 0;
  #asking: NodeJS.Timeout | undefined;

  /** `isThere` asks systemd for a job; it throws "cannot ACT: why" where that can't be known. */
  constructor(isThere: (path: string, act: string) => Promise<boolean>) {
    this.#isThere = isThere;
  }

  /** `ask` has the job made and gives its path. Throws what `ask` and `isThere` do. */
  async run(act: string, ask: () => Promise<string>, signal: AbortSignal): Promise<JobEnd> {
    if (signal.aborted) return 'interrupted';
    const { promise, resolve, reject } = Promise.withResolvers<JobEnd>();
    const abort = () => resolve('interrupted');
    signal.addEventListener('abort', abort);
    const waiter: Waiter = { path: '', act, resolve, reject };
    this.#begin(ask).then(([path, early]) => {
      waiter.path = path;
      if (early !== undefined) resolve(early);
      else if (!signal.aborted) this.#add(waiter);
    }, reject);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#drop(waiter);
    }
  }

  /** A job has ended. */
  ended(path: string, result: JobResult): void {
    if (this.#asked > 0) this.#early.set(path, result);
    for (const waiter of this.#waiting) if (waiter.path === path) waiter.resolve(result);
  }

  /** To be called when news may have been missed: who waits for a job that is no more is told. */
  askAfterAll(): void {
    for (const { path, act, resolve, reject } of this.#waiting) {
      // The news of its end comes before the answer that it is not there, if it comes at all.
      this.#isThere(path, act).then((there) => there || resolve('unseen'), reject);
    }
  }

  async #begin(ask: () => Promise<string>): Promise<readonly [path: string, early: JobResult | undefined]> {
    this.#asked++;
    try {
      const path = await ask();
      return [path, this.#early.get(path)];
    } finally {
      this.#asked--;
      if (this.#asked === 0) this.#early.clear();
    }
  }

  #add(waiter: Waiter): void {
    this.#waiting.add(waiter);
    this.#asking ??= setInterval(() => this.askAfterAll(), ASK_AGAIN).unref();
  }

  #drop(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#asking);
    this.#asking = undefined;
  }
}
