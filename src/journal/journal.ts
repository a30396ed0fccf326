import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Problem, why } from '../problem.ts';
import { type Database, isDamage, LARGEST, LONGEST, moveAside, openDatabase } from './database.ts';
import { type Entry, entryIn, lineOf, type NewEntry, type Written, written } from './entry.ts';
import { openTail, type Tail } from './tail.ts';

/**
 * What was done, kept: the newest entries in `journal.tail`, all others in `journal.db`, both in the state folder. There is
 * one writer at a time, under the lock of the runtime folder.
 *
 *      record ──> tail (at once, survives kill -9) ──> database (in batches, later)
 *             └─> waiting: in memory, until it is in the database
 *
 * Nothing here ever throws, and nobody waits for it: what can't be written (a full disk, a read-only folder) waits in
 * memory, so much of it as there is room for, and is written once that works again.
 */
export interface Journal extends Disposable {
  record(entries: readonly NewEntry[]): void;
  /** The newest entry of a kind, as far as it is at hand. */
  newest(kind: string): Entry | undefined;
}

export interface JournalOptions {
  readonly stateDir: string;
  /** In a daemon: entries are moved into the database a moment after they came. Else only where the tail has grown large. */
  readonly stays: boolean;
  /** What stands in its way; told once until it is over. */
  readonly onTrouble: (problem: Problem) => void;
  readonly bounds?: Partial<Bounds>;
}

export interface Bounds {
  /** ms. */
  readonly longest: number;
  /** Bytes of the database. */
  readonly largest: number;
  /** Entries that wait in memory. */
  readonly waiting: number;
  /** Bytes of the tail from which on it is moved by whoever comes. */
  readonly tail: number;
  /** ms between one try and the next where writing fails. */
  readonly again: number;
}

const BOUNDS: Bounds = { longest: LONGEST, largest: LARGEST, waiting: 10_000, tail: 1_000_000, again: 5000 };
/** How long (ms) entries are gathered for one transaction. */
const GATHER = 250;
/** Not all of a burst in one sitting. */
const BATCH = 1000;
/** How often (ms) what is too old is looked for. */
const PRUNE = 3_600_000;

export const databaseFile = (stateDir: string) => join(stateDir, 'journal.db');
export const tailFile = (stateDir: string) => join(stateDir, 'journal.tail');

export function openJournal({ stateDir, stays, onTrouble, bounds }: JournalOptions): Journal {
  const path = databaseFile(stateDir);
  const { longest, largest, waiting: most, tail: longTail, again } = { ...BOUNDS, ...bounds };
  let database: Database | undefined;
  let tail: Tail | undefined;
  /** Not in the database yet, in order. As long as nothing failed, all of them are in the tail. */
  let waiting: Written[] = [];
  let lost = 0;
  let failed = false;
  let notBefore = 0;
  let pruned = 0;
  let timer: NodeJS.Timeout | undefined;

  const trouble = (problem: Problem, at: number) => {
    notBefore = at + again;
    if (failed) return;
    failed = true;
    onTrouble(problem);
  };
  const unwritable = (error: unknown): Problem => ({
    code: 'journal',
    summary: `cannot write the journal in ${stateDir}: ${reasonOf(error)}`,
    hint: 'nothing else is affected; what happens meanwhile is kept in memory, and written once that is mended',
  });

  const opened = (): Database => {
    if (database?.isThere() === false) close();
    database ??= openDatabase(path, stays);
    return database;
  };
  const close = () => {
    try {
      database?.close();
    } catch {
      // What it has written is there all the same.
    }
    database = undefined;
  };
  /** What is damaged is begun anew, and it is done to that. */
  const on = <T>(act: (store: Database) => T): T => {
    try {
      return act(opened());
    } catch (error) {
      if (!isDamage(error)) throw error;
      beginAnew(error);
      return act(opened());
    }
  };
  const beginAnew = (error: unknown) => {
    close();
    const aside = moveAside(path, Date.now());
    onTrouble({
      code: 'journal-damaged',
      summary: `the journal was damaged (${reasonOf(error)}) and is begun anew`,
      hint: `nothing else is affected; the old one is kept as ${aside}`,
    });
  };

  const openedTail = (): Tail => {
    if (tail === undefined) {
      tail = openTail(tailFile(stateDir), () => (existsSync(path) ? on((store) => store.last()) : 0));
      // What was recorded before it could be opened comes behind what is in it.
      const { last, entries } = tail;
      const there = entries.map((entry) => written(entry, entry.id));
      waiting = [...there, ...waiting.map((entry, i) => ({ ...entry, id: last + 1 + i }))];
    }
    return tail;
  };

  /** Of what is in the database already nothing is left to do; where somebody has put an older tail back, ids are taken. */
  const outnumber = (store: Database) => {
    const there = store.last();
    if ((waiting[0]?.id ?? there + 1) > there) return;
    waiting = waiting.filter((entry) => !store.has(entry)).map((entry, i) => ({ ...entry, id: there + 1 + i }));
  };

  const move = () => {
    const now = Date.now();
    try {
      openedTail();
      on(outnumber);
      const batch = waiting.slice(0, BATCH);
      on((store) => store.insert(batch));
      waiting = waiting.slice(batch.length);
      notBefore = 0;
      if (waiting.length === 0) {
        openedTail().reset(batch.at(-1)?.id ?? on((store) => store.last()));
        recovered(now);
      }
      if (now - pruned > PRUNE || lookAtSize(batch.length)) {
        if (!on((store) => store.prune(now, longest, largest))) pruned = now;
      }
    } catch (error) {
      trouble(unwritable(error), now);
    }
  };
  let sinceLook = 0;
  const lookAtSize = (more: number) => {
    sinceLook += more;
    if (sinceLook < BATCH) return false;
    sinceLook = 0;
    return true;
  };
  const recovered = (now: number) => {
    if (!failed) return;
    failed = false;
    if (lost === 0) return;
    const text = `${lost} events could not be kept while the journal could not be written`;
    const count = lost;
    lost = 0;
    record([{ at: now, kind: 'journal', level: 'warn', text, data: { lost: count } }]);
  };

  const soon = () => {
    if (!stays || timer !== undefined || waiting.length === 0) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        move();
        soon();
      },
      Math.max(GATHER, notBefore - Date.now()),
    );
    // A process that has nothing else to do is not kept for this.
    timer.unref();
  };

  const openSoon = () => {
    const now = Date.now();
    try {
      if (now >= notBefore) openedTail();
    } catch (error) {
      trouble(unwritable(error), now);
    }
  };
  const record = (entries: readonly NewEntry[]) => {
    openSoon();
    const now = Date.now();
    const last = waiting.at(-1)?.id ?? tail?.last ?? 0;
    const added = entries.map((entry, i) => written(entry, last + 1 + i));
    waiting.push(...added);
    try {
      // Behind a gap there would be no telling what is missing: all or nothing, until the database has taken the rest.
      if (tail !== undefined && !failed) tail.append(added);
    } catch (error) {
      trouble(unwritable(error), now);
    }
    while (waiting.length > most && !failed) move();
    if (waiting.length > most) {
      lost += waiting.length - most;
      waiting = waiting.slice(-most);
    }
    soon();
  };

  return {
    record,
    newest: (kind) => {
      openSoon();
      const found = waiting.findLast((entry) => entry.kind === kind);
      return found === undefined ? undefined : entryIn(lineOf(found));
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      const isLong = tail !== undefined && tail.size > longTail;
      if (waiting.length > 0 && (stays || isLong || failed))
        for (let left = Number.POSITIVE_INFINITY; waiting.length > 0 && waiting.length < left; ) {
          left = waiting.length;
          move();
        }
      tail?.close();
      close();
    },
  };
}

function reasonOf(error: unknown): string {
  const { code, errstr } = error as { readonly code?: string; readonly errstr?: string };
  return code === 'ERR_SQLITE_ERROR' ? (errstr ?? why(error)) : why(error);
}
