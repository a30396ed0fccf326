import { existsSync, statSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { type Problem, why } from '../problem.ts';
import { connect, isDamage, pragma, rowEntry } from './database.ts';
import type { Entry } from './entry.ts';
import { databaseFile, tailFile } from './journal.ts';
import { readTail } from './tail.ts';

export interface Query {
  /** Services by name, with all their instances, or instances by id. */
  readonly services?: readonly string[];
  /** And what is told of these runs as such: what caused them, what they came to. */
  readonly runs?: readonly string[];
  /** Of this kind alone. */
  readonly kind?: string;
  /** ms since the epoch; from then on. */
  readonly since?: number;
  /** What came after this id, oldest first: then the limit leaves out the newest. */
  readonly after?: number;
  /** No more than the newest so many. */
  readonly limit: number;
}

/** What was read, oldest first, and what stands in the way of the rest. */
export interface History {
  readonly entries: readonly Entry[];
  /** The limit left some out. */
  readonly more: boolean;
  readonly problem?: Problem;
}

/**
 * Reads the journal, whoever writes it meanwhile; undefined where there never was one. Changes nothing. The tail is read
 * first: what is moved from it into the database in between is then found there.
 */
export function readJournal(stateDir: string, query: Query): History | undefined {
  const path = databaseFile(stateDir);
  let tail: readonly Entry[] | undefined;
  let rows: readonly Entry[] = [];
  let problem: Problem | undefined;
  const there = existsSync(path);
  try {
    tail = readTail(tailFile(stateDir));
    if (tail === undefined && !there) return undefined;
    if (there) rows = reading(path, (db) => select(db, query));
  } catch (error) {
    problem = unreadable(path, error);
  }
  const known = new Set(rows.map(keyOf));
  const newer = (tail ?? []).filter((entry) => isMeant(entry, query) && !known.has(keyOf(entry)));
  const all = [...rows, ...newer].sort((a, b) => a.id - b.id);
  return {
    entries: query.after === undefined ? all.slice(Math.max(0, all.length - query.limit)) : all.slice(0, query.limit),
    more: all.length > query.limit,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Every service that the journal knows, by id, as far as it can be read. */
export function servicesInJournal(stateDir: string): readonly string[] {
  try {
    return servicesIn(stateDir);
  } catch {
    // Whoever goes on to read it is told why that can't be.
    return [];
  }
}

function servicesIn(stateDir: string): readonly string[] {
  const path = databaseFile(stateDir);
  const kept = !existsSync(path)
    ? []
    : reading(path, (db) =>
        // Steps from one name to the next: an index has all of each together.
        db
          .prepare(
            `WITH RECURSIVE names (name) AS (
               SELECT min(service) FROM events WHERE service IS NOT NULL
               UNION ALL
               SELECT (SELECT min(service) FROM events WHERE service > name) FROM names WHERE name IS NOT NULL
             ) SELECT name FROM names WHERE name IS NOT NULL`,
          )
          .all(),
      ).map(({ name }) => String(name));
  const newer = (readTail(tailFile(stateDir)) ?? []).flatMap(({ service }) => service ?? []);
  return [...new Set([...kept, ...newer])].sort();
}

/** One that is being written can be read; where nobody may write at all (a read-only file system), as it lies there. */
function reading<T>(path: string, read: (db: DatabaseSync) => readonly T[]): readonly T[] {
  const attempt = (from: string | URL) => {
    const db = connect(from, true);
    try {
      db.exec('PRAGMA busy_timeout = 2000');
      // Its writer is only about to make what is in it.
      return pragma(db, 'user_version') === 0 ? [] : read(db);
    } finally {
      db.close();
    }
  };
  try {
    return attempt(path);
  } catch (error) {
    const code = (error as { readonly errcode?: number }).errcode ?? 0;
    // Whoever was making it was killed. Only then does it have a file to undo things by: nothing is in it yet.
    if (code === CANNOT_UNDO) return [];
    const newest = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (newest > 0 || !CANNOT_SHARE.has(code & 0xff)) throw error;
    return attempt(new URL(`${pathToFileURL(path)}?immutable=1`));
  }
}

/** SQLITE_READONLY_ROLLBACK */
const CANNOT_UNDO = 776;
/** SQLITE_READONLY, SQLITE_IOERR and SQLITE_CANTOPEN: its shared memory can't be made beside it. */
const CANNOT_SHARE: ReadonlySet<number> = new Set([8, 10, 14]);

/** So many values SQLite takes in one statement, and more. */
const MANY = 10_000;
/** Of more services all entries are looked through: nor does it take so many parts of an OR. */
const FEW = 100;

function select(
  db: DatabaseSync,
  { services = [], runs: all = [], kind, since, after, limit }: Query,
): readonly Entry[] {
  const runs = all.slice(-MANY);
  const parts: string[] = [];
  const values: SQLInputValue[] = [];
  if (services.length > FEW) {
    const marks = services.map(() => '?').join(', ');
    parts.push(`substr(service, 1, instr(service || '@', '@') - 1) IN (${marks})`, `service IN (${marks})`);
    values.push(...services, ...services);
  } else
    for (const service of services) {
      // `web@1`, `web@2`: all that begin with `web@`. Each of the parts of an OR has its index.
      parts.push('(service = ? OR (service >= ? AND service < ?))');
      values.push(service, `${service}@`, `${service}A`);
    }
  if (runs.length > 0) {
    parts.push(`(service IS NULL AND run IN (${runs.map(() => '?').join(', ')}))`);
    values.push(...runs);
  }
  const where = parts.length > 0 ? [`(${parts.join(' OR ')})`] : [];
  const must = (condition: string, value: SQLInputValue | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    values.push(value);
  };
  must('at >= ?', since);
  must('id > ?', after);
  must('kind = ?', kind);
  const only = where.length > 0 ? `WHERE ${where.join(' AND ')}` : '';
  const order = after === undefined ? 'DESC' : 'ASC';
  const rows = db.prepare(`SELECT * FROM events ${only} ORDER BY id ${order} LIMIT ?`).all(...values, limit + 1);
  return rows.map(rowEntry);
}

function isMeant(entry: Entry, { services = [], runs = [], kind, since, after }: Query): boolean {
  if (kind !== undefined && entry.kind !== kind) return false;
  if (since !== undefined && entry.at < since) return false;
  if (after !== undefined && entry.id <= after) return false;
  if (services.length === 0 && runs.length === 0) return true;
  if (entry.service === undefined) return entry.run !== undefined && runs.includes(entry.run);
  return isOf(entry, services);
}

/** Is it of one of these, or of an instance of one of these? */
export function isOf({ service }: Entry, services: readonly string[]): boolean {
  if (service === undefined) return false;
  const at = service.indexOf('@');
  return services.includes(service) || (at !== -1 && services.includes(service.slice(0, at)));
}

const keyOf = ({ id, at, text }: Entry) => `${id} ${at} ${text}`;

function unreadable(path: string, error: unknown): Problem {
  const hint = isDamage(error)
    ? 'what is shown is what came since; it is moved aside and begun anew when something is next written to it'
    : 'ask as whoever runs the daemon, such as root';
  return { code: 'journal-unreadable', summary: `cannot read the journal ${path}: ${why(error)}`, hint };
}
