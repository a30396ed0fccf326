import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, type Problem, why } from '../problem.ts';
import { LogFile } from './file.ts';
import { JournalFailure, readJournal, type Scope } from './journal.ts';
import type { Entry } from './journal-export.ts';
import { JournalFollower, type ReadMeans } from './journal-follower.ts';
import type { Line, Source } from './line.ts';
import { type Feed, merge } from './merge.ts';
import { beginOf, type Wanted } from './start.ts';
import { timeIn } from './times.ts';
import { Wake } from './wake.ts';

/** What is read: a file, or a unit's part of the journal. */
export type Reading =
  | { readonly kind: 'file'; readonly source: Source; readonly path: string }
  | { readonly kind: 'journal'; readonly source: Source; readonly scope: Scope; readonly unit: string };

interface Following {
  readonly reading: Extract<Reading, { kind: 'file' }>;
  readonly file: LogFile;
  /** Nobody writes there any more by what is known: it is read for a while yet. */
  until?: number;
}

/** ms. What a service no longer logs to is followed for so long. */
const LEAVE = 10_000;
/** So many lines are kept before whoever shows them is waited for. */
const MANY = 5000;
/** ms. For a rotation that is under way: to look again, and to take it for one that was killed. */
const AGAIN = 20;
const KILLED = 1000;

/** Reads what is there of several logs, merged, and then what is added. */
export class LogReader implements Disposable {
  readonly #means: ReadMeans;
  readonly #timed: boolean;
  readonly #wake = new Wake();
  readonly #files = new Map<string, Following>();
  readonly #journals = new Map<Scope, JournalFollower>();
  readonly #there = new Set<string>();
  /** When it was last said what is to be read. */
  #before = Date.now();

  /** `timed`: whoever shows lines that are added wants to know when they were written. */
  constructor(means: ReadMeans, timed: boolean) {
    this.#means = means;
    this.#timed = timed;
  }

  /** What is there by now, merged by time; what is added meanwhile is left to `follow`, if so wanted. */
  async read(readings: readonly Reading[], wanted: Wanted & { until?: number | undefined }, follow: boolean) {
    const scopes = new Set(readings.flatMap((each) => (each.kind === 'journal' ? [each.scope] : [])));
    // Before anything of it is read, so that nothing is missed.
    if (follow)
      for (const scope of scopes) this.#journals.set(scope, await new JournalFollower(scope, this.#means).begin());
    const feeds = readings.flatMap((reading) => {
      const feed =
        reading.kind === 'file' ? this.#fileFeed(reading, wanted, follow) : this.#journalFeed(reading, wanted);
      return feed === undefined ? [] : [feed];
    });
    let unflushed = 0;
    await merge(feeds, (source, lines) => {
      this.#means.emit(source, lines);
      unflushed += lines.length;
      if (unflushed < MANY) return undefined;
      unflushed = 0;
      return Promise.resolve(this.#means.flush());
    });
    await this.#means.flush();
  }

  /** Was there anything of a file? */
  isThere(path: string): boolean {
    return this.#there.has(path);
  }

  #fileFeed(
    reading: Extract<Reading, { kind: 'file' }>,
    { count, since, until }: Wanted & { until?: number | undefined },
    follow: boolean,
  ): Feed | undefined {
    const { source, path } = reading;
    const tell = (problem: Problem) => this.#means.tell(source.id, problem);
    // The last before a time are known when that is reached.
    const isLast = until !== undefined && Number.isFinite(count);
    let begun: ReturnType<typeof beginOf>;
    try {
      begun = beginOf(path, { count: isLast ? Number.POSITIVE_INFINITY : count, since });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      for (const problem of error.problems) tell(problem);
    }
    const file = new LogFile(path, tell, begun?.start, follow ? undefined : KILLED);
    this.#files.set(path, { reading, file });
    if (begun === undefined) return undefined;
    this.#there.add(path);
    if (begun.timeless && begun.written >= (since ?? 0)) tell(timelessProblem(path, begun.written, count));
    if (count === 0 && !follow) return undefined;
    const { end, written } = begun;
    let over = false;
    const next = (): ReturnType<Feed['next']> => {
      for (;;) {
        // What is written from now on is read when all that was there is shown.
        if (over || (follow && (file.at ?? 0) >= end)) return undefined;
        const lines = file.read();
        if (lines === undefined && !follow && file.isUnsure) return sleep(AGAIN).then(next);
        if (lines === undefined) over = true;
        const texts = lines ?? (follow ? [] : file.end());
        const timed = texts.map((text): Line => ({ text, at: timeIn(text) }));
        const wantedLines = until === undefined ? timed : timed.slice(0, indexAfter(timed, until));
        if (wantedLines.length < timed.length) over = true;
        if (wantedLines.length > 0) return wantedLines;
      }
    };
    return { source, written, next: isLast ? lastOf(next, count) : next };
  }

  #journalFeed(
    { source, scope, unit }: Extract<Reading, { kind: 'journal' }>,
    { count, since, until }: Wanted & { until?: number | undefined },
  ): Feed | undefined {
    if (count === 0) return undefined;
    let chunks: AsyncIterator<readonly Entry[]> | undefined;
    return {
      source,
      written: 0,
      next: async () => {
        const range = { since, until, ...(Number.isFinite(count) ? { count } : {}) };
        chunks ??= readJournal(scope, unit, range).entries[Symbol.asyncIterator]();
        try {
          const { value, done } = await chunks.next();
          if (done === true) return undefined;
          this.#journals.get(scope)?.seen(value);
          return value.flatMap(({ lines }: Entry) => lines);
        } catch (error) {
          if (!(error instanceof JournalFailure)) throw error;
          this.#means.tell(source.id, error.problem);
          return undefined;
        }
      },
    };
  }

  /** These from now on: what is new is read from its begin, what is gone is read to its end. */
  set(readings: readonly Reading[]): void {
    const wanted = new Map(readings.flatMap((each) => (each.kind === 'file' ? [[each.path, each] as const] : [])));
    for (const [path, reading] of wanted) {
      const known = this.#files.get(path);
      if (known === undefined) {
        const file = new LogFile(path, (problem) => this.#means.tell(reading.source.id, problem));
        this.#files.set(path, { reading, file });
        this.#wake.forget();
      } else delete known.until;
    }
    for (const [path, following] of this.#files) if (!wanted.has(path)) following.until ??= Date.now() + LEAVE;
    this.#setJournals(readings.filter((each) => each.kind === 'journal'));
    this.#before = Date.now();
    this.#wake.now();
  }

  #setJournals(readings: readonly Extract<Reading, { kind: 'journal' }>[]): void {
    for (const scope of new Set([...this.#journals.keys(), ...readings.map((each) => each.scope)])) {
      const follower = this.#journals.get(scope) ?? new JournalFollower(scope, this.#means, this.#before);
      this.#journals.set(scope, follower);
      const own = readings.filter((each) => each.scope === scope);
      follower.set(new Map(own.map(({ unit, source }) => [unit, source])));
    }
  }

  /** What is added, until it is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let busy = false;
      for (const [path, following] of this.#files) {
        if (await this.#drain(following)) busy = true;
        else if (following.until !== undefined && Date.now() > following.until) {
          this.#emit(following, following.file.end());
          following.file[Symbol.dispose]();
          this.#files.delete(path);
        }
        if (signal.aborted) break;
      }
      await this.#means.flush();
      const files = [...this.#files.values()].map(({ file }) => file);
      const folders = new Set([...this.#files.keys()].map((path) => dirname(path)));
      const state = { busy: busy || files.some((file) => file.isUnsure), missing: files.some((file) => !file.isOpen) };
      await this.#wake.next(folders, state, signal);
    }
    // Whole or not: nothing else will come.
    for (const following of this.#files.values()) this.#emit(following, following.file.end());
    await this.#means.flush();
  }

  /** Reads what there is of one; what comes too fast gives way to the others in between. */
  async #drain(following: Following): Promise<boolean> {
    let busy = false;
    try {
      for (let chunks = 0; chunks < 16; chunks += 1) {
        const lines = following.file.read();
        if (lines === undefined) break;
        busy = true;
        this.#emit(following, lines);
      }
    } catch (error) {
      const { path, source } = following.reading;
      this.#means.tell(source.id, { code: 'log-unreadable', summary: `cannot read ${path}: ${why(error)}` });
      following.file[Symbol.dispose]();
    }
    if (busy) await this.#means.flush();
    return busy;
  }

  #emit({ reading: { source } }: Following, texts: readonly string[]): void {
    if (texts.length === 0) return;
    this.#means.emit(
      source,
      texts.map((text): Line => ({ text, at: this.#timed ? timeIn(text) : undefined })),
    );
  }

  [Symbol.dispose](): void {
    this.#wake[Symbol.dispose]();
    for (const { file } of this.#files.values()) file[Symbol.dispose]();
    for (const follower of this.#journals.values()) follower.stop();
  }
}

/** The last so many of all lines, at once. */
function lastOf(next: Feed['next'], count: number): Feed['next'] {
  let given = false;
  return async () => {
    if (given) return undefined;
    given = true;
    let last: readonly Line[] = [];
    for (let lines = await next(); lines !== undefined; lines = await next()) last = [...last, ...lines].slice(-count);
    return count === 0 ? undefined : last;
  };
}

function indexAfter(lines: readonly Line[], until: number): number {
  const found = lines.findIndex(({ at }) => at !== undefined && at > until);
  return found === -1 ? lines.length : found;
}

function timelessProblem(path: string, written: number, count: number): Problem {
  const last = Number.isFinite(count) ? `its last ${count} lines are shown` : 'all of it is shown';
  return {
    code: 'no-times',
    summary: `cannot tell how old the lines of ${path} are: they bear no time that is known; ${last}`,
    hint: `something was last written there at ${new Date(written).toISOString()}`,
  };
}
