import { closeSync, constants, existsSync, openSync, renameSync, statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Json } from '../canonical.ts';
import { type Entry, entryOf, type Written } from './entry.ts';

/** Entries older than this (ms) go: 90 days. */
export const LONGEST = 90 * 86_400_000;
/** And the oldest where the database would be larger than this (bytes). Documented in docs/history.md. */
export const LARGEST = 50_000_000;

const VERSION = 1;

const SCHEMA = `
  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run TEXT,
    kind TEXT NOT NULL,
    service TEXT,
    revision TEXT,
    level TEXT NOT NULL,
    text TEXT NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_service ON events (service, id) WHERE service IS NOT NULL;
  CREATE INDEX events_by_time ON events (at);
  CREATE INDEX events_of_runs ON events (run) WHERE service IS NULL;
  PRAGMA user_version = ${VERSION};
`;

/** How many rows one transaction takes away: whoever supervises is never kept waiting for long. */
const SLICE = 5000;

/** What SQLite says of a file that is none of its own any more. */
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** The journal's database, as its one writer has it. All throw what SQLite says. */
export interface Database {
  /** All or none; what is in it already is left as it is. */
  insert(entries: readonly Written[]): void;
  /** The greatest id. */
  last(): number;
  /** Is this very entry in it? */
  has(entry: Pick<Entry, 'id' | 'at' | 'text'>): boolean;
  /** Takes away some of what is too old or too much; true where there is more of it. */
  prune(now: number, longest: number, largest: number): boolean;
  /** Is the file that it has open the one at its path? */
  isThere(): boolean;
  close(): void;
}

/** Opened, and made where there is none. `thorough`: read through first, so that damage is found before it is needed. */
export function openDatabase(path: string, thorough: boolean): Database {
  // The files that SQLite makes beside it get its mode.
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
  const db = connect(path, false);
  try {
    // Where somebody else holds it, it is tried again later: who supervises is not kept waiting.
    db.exec('PRAGMA busy_timeout = 100; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    // Of the 2 MB that SQLite would keep of it, one that mostly writes needs little.
    db.exec('PRAGMA cache_size = -256');
    // What a reader held up for long is given back once it is through.
    db.exec('PRAGMA journal_size_limit = 4000000');
    const version = pragma(db, 'user_version');
    if (version > VERSION) throw new NewerError(version);
    if (version === 0) inTransaction(db, () => db.exec(SCHEMA));
    if (thorough && db.prepare('PRAGMA quick_check(1)').get()?.quick_check !== 'ok') throw new DamagedError();
    return writer(path, db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function writer(path: string, db: DatabaseSync): Database {
  const insert = db.prepare('INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const inode = statSync(path).ino;
  return {
    insert: (entries) =>
      inTransaction(db, () => {
        for (const entry of entries) insertOne(insert, entry);
      }),
    last: () => Number(db.prepare('SELECT max(id) AS id FROM events').get()?.id ?? 0),
    has: ({ id, at, text }) =>
      db.prepare('SELECT 1 FROM events WHERE id = ? AND at = ? AND text = ?').get(id, at, text) !== undefined,
    prune: (now, longest, largest) => {
      const size = pragma(db, 'page_size');
      const used = () => (pragma(db, 'page_count') - pragma(db, 'freelist_count')) * size;
      const old = db
        .prepare('DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ? ORDER BY at LIMIT ?)')
        .run(now - longest, SLICE);
      if (used() <= largest) return Number(old.changes) === SLICE;
      const { first, last } = db.prepare('SELECT min(id) AS first, max(id) AS last FROM events').get() ?? {};
      const slice = Math.min(SLICE, Math.ceil((Number(last) - Number(first)) / 2));
      db.prepare('DELETE FROM events WHERE id < ?').run(Number(first) + slice);
      return slice > 0 && used() > largest;
    },
    isThere: () => statSync(path, { throwIfNoEntry: false })?.ino === inode,
    close: () => db.close(),
  };
}

function insertOne(insert: StatementSync, entry: Written): void {
  const { id, at, run, kind, service, revision, level, text, json } = entry;
  insert.run(id, at, run ?? null, kind, service ?? null, revision ?? null, level, text, json);
}

function inTransaction(db: DatabaseSync, act: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    act();
    db.exec('COMMIT');
  } catch (error) {
    // Where the disk is full SQLite may have done it already.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** The file is no journal, or not whole any more. */
export function isDamage(error: unknown): boolean {
  const code = (error as { readonly errcode?: number } | undefined)?.errcode ?? 0;
  return error instanceof DamagedError || [CORRUPT, NOT_A_DATABASE].includes(code & 0xff);
}

class DamagedError extends Error {
  constructor() {
    super('it is damaged');
  }
}

/** Written by a newer version of this tool: to be left alone. */
class NewerError extends Error {
  constructor(version: number) {
    super(`a newer version of reconcile wrote it (format ${version})`);
  }
}

/** Moved aside with what belongs to it, for a person to look at; the new name. */
export function moveAside(path: string, now: number): string {
  const aside = `${path}.damaged-${new Date(now).toISOString().replace(/[:.]/g, '-')}`;
  for (const end of ['-shm', '-wal', '']) if (existsSync(path + end)) renameSync(path + end, aside + end);
  return aside;
}

/** Loaded by whoever opens it: a dry run has no use for it. */
export function connect(path: string | URL, readOnly: boolean): DatabaseSync {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  return new DatabaseSync(path, { readOnly });
}

export function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

export function rowEntry(row: Readonly<Record<string, unknown>>): Entry {
  let data: Json = null;
  try {
    data = JSON.parse(String(row.data)) as Json;
  } catch {
    // A person's doing: the rest of it is worth showing all the same.
  }
  return entryOf({ ...row, data });
}
