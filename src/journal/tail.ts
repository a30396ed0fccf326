import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { writeAtomic } from '../host/files.ts';
import { type Entry, entryIn, lineOf, type Written } from './entry.ts';

/**
 * The newest entries, a line each, before they are moved into the database. A line is one write(2): what was recorded
 * survives a kill -9 of ours at once, and costs a tenth of a transaction. Whoever applies once and ends only writes here.
 * The first line says which id the entries come after, so that the database need not be asked.
 */
export interface Tail {
  /** The greatest id in it, or before it. */
  readonly last: number;
  /** What it held when it was opened. */
  readonly entries: readonly Entry[];
  /** Bytes. */
  readonly size: number;
  /** Throws what the system says; nothing of it is there then. */
  append(entries: readonly Written[]): void;
  /** What it holds is in the database: it begins anew, after this id. */
  reset(after: number): void;
  close(): void;
}

export function openTail(path: string, lastInDatabase: () => number): Tail {
  const bytes = read(path);
  const { after, entries } = parse(bytes);
  const known = entries.at(-1)?.id ?? after;
  let last = known ?? lastInDatabase();
  if (known === undefined) writeAtomic(path, header(last));
  let fd = open(path);
  let size = fstatSync(fd).size;
  // The line that was being written when everything stopped.
  const whole = bytes.lastIndexOf('\n') + 1;
  if (whole > 0 && whole < size) {
    ftruncateSync(fd, whole);
    size = whole;
  }
  return {
    entries,
    get last() {
      return last;
    },
    get size() {
      return size;
    },
    append: (added) => {
      const bytes = Buffer.from(added.map(lineOf).join(''));
      try {
        // A full disk takes a part, and says so only of the rest.
        for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      } catch (error) {
        ftruncateSync(fd, size);
        throw error;
      }
      size += bytes.length;
      last = added.at(-1)?.id ?? last;
    },
    reset: (after) => {
      // By another file: a part of the old one must never be taken for the whole.
      writeAtomic(path, header(after));
      const next = open(path);
      closeSync(fd);
      fd = next;
      size = fstatSync(fd).size;
      last = after;
    },
    close: () => closeSync(fd),
  };
}

/** The entries that are not in the database yet, or were not a moment ago; undefined where there never was any. */
export function readTail(path: string): readonly Entry[] | undefined {
  return readWholeTail(path)?.entries;
}

/** And the id they come after; undefined where that line is damaged. */
export function readWholeTail(path: string): TailFile | undefined {
  const bytes = read(path);
  return bytes.length === 0 ? undefined : parse(bytes);
}

export interface TailFile {
  readonly after: number | undefined;
  readonly entries: readonly Entry[];
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

const header = (after: number) => `${JSON.stringify({ journal: 1, after })}\n`;

function open(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
}

/** Lines that are none (a power cut leaves zeros) are skipped. */
function parse(bytes: Buffer): TailFile {
  const [first = '', ...lines] = bytes.toString().split('\n');
  const entries = lines.map(entryIn).filter((entry) => entry !== undefined);
  try {
    const { after } = JSON.parse(first) as { readonly after?: unknown };
    return { after: typeof after === 'number' ? after : undefined, entries };
  } catch {
    return { after: undefined, entries };
  }
}
