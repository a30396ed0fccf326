import type { ServiceId } from '../model.ts';
import type { Problem } from '../problem.ts';
import { followJournal, JournalFailure, newestCursor, readJournal, type Scope } from './journal.ts';
import type { Entry } from './journal-export.ts';
import type { Emit, Line, Source } from './line.ts';

export interface ReadMeans {
  readonly emit: Emit;
  /** What is wrong with one of them: the rest goes on. */
  readonly tell: (id: ServiceId, problem: Problem) => void;
  /** What was emitted is to be seen. */
  readonly flush: () => Promise<void> | void;
}

/** ms. A journalctl that ended is started again no sooner. */
const AGAIN = 1000;

/** One journalctl for all units of a scope; another where they are others, or it has ended. */
export class JournalFollower {
  readonly #scope: Scope;
  readonly #means: ReadMeans;
  #units: ReadonlyMap<string, Source> = new Map();
  #cursor: string | undefined;
  /** Entries that were shown already, though they come after the cursor. */
  #seen = new Set<string>();
  readonly #began: number;
  /** Counts the times that the units became others. */
  #round = 0;
  /** When it was last told which units there are; what was there before the first time is no news. */
  #set: number | undefined;
  #stop: (() => void) | undefined;
  #stopped = false;
  #told: string | undefined;

  /** `began`: what was written before is no news. */
  constructor(scope: Scope, means: ReadMeans, began = Date.now()) {
    this.#scope = scope;
    this.#began = began;
    this.#means = means;
  }

  /** Before anything is read: what comes after this place is followed. */
  async begin(): Promise<this> {
    this.#cursor = await newestCursor(this.#scope);
    return this;
  }

  /** These were shown by whoever read what was there before. */
  seen(entries: readonly Entry[]): void {
    // By a clock that may be set: of those before it none comes again anyway.
    for (const { at, cursor } of entries) if (at > this.#began - 5000) this.#seen.add(cursor);
  }

  /** The units from now on; of those that are new all is shown that they wrote since this was called before. */
  set(units: ReadonlyMap<string, Source>): void {
    const added = [...units.keys()].filter((unit) => !this.#units.has(unit));
    const same = units.size === this.#units.size && [...units.keys()].every((unit) => this.#units.has(unit));
    const since = this.#set;
    this.#set = Date.now();
    this.#units = units;
    if (same) return;
    this.#stop?.();
    this.#stop = undefined;
    this.#round += 1;
    if (units.size > 0) void this.#run(since === undefined ? [] : added, since);
  }

  stop(): void {
    this.#stopped = true;
    this.#stop?.();
  }

  async #run(added: readonly string[] = [], since = this.#began): Promise<void> {
    const round = this.#round;
    const units = [...this.#units.keys()];
    for (const unit of added) await this.#catchUp(unit, since);
    if (this.#round !== round || this.#stopped) return;
    const from = this.#cursor === undefined ? { since: this.#began } : { after: this.#cursor };
    const { entries, stop } = followJournal(this.#scope, units, from);
    this.#stop = stop;
    try {
      for await (const chunk of entries) {
        if (this.#stop !== stop) return;
        this.#show(chunk);
        await this.#means.flush();
      }
    } catch (error) {
      this.#say(error);
    }
    if (this.#stop !== stop || this.#stopped) return;
    const timer = setTimeout(() => {
      if (this.#stop === stop && !this.#stopped) void this.#run();
    }, AGAIN);
    timer.unref();
  }

  /** What a unit wrote before it was known that it is one of them; the others may be far beyond that. */
  async #catchUp(unit: string, since: number): Promise<void> {
    try {
      for await (const chunk of readJournal(this.#scope, unit, { since: since - 1000 }).entries) {
        const cursor = this.#cursor;
        this.#show(chunk);
        this.#cursor = cursor;
        for (const entry of chunk) this.#seen.add(entry.cursor);
        await this.#means.flush();
      }
    } catch (error) {
      this.#say(error);
    }
  }

  #say(error: unknown): void {
    if (!(error instanceof JournalFailure)) throw error;
    if (this.#told !== error.message) for (const { id } of this.#units.values()) this.#means.tell(id, error.problem);
    this.#told = error.message;
  }

  #show(entries: readonly Entry[]): void {
    let pending: Line[] = [];
    let unit = '';
    const emit = () => {
      const source = this.#units.get(unit);
      if (source !== undefined && pending.length > 0) this.#means.emit(source, pending);
      pending = [];
    };
    for (const entry of entries) {
      this.#cursor = entry.cursor;
      if (this.#seen.size > 0 && this.#seen.delete(entry.cursor)) continue;
      if (entry.unit !== unit) emit();
      unit = entry.unit;
      for (const line of entry.lines) pending.push(line);
    }
    emit();
  }
}
