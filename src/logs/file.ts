import { closeSync, fstatSync, readSync } from 'node:fs';
import { Failure, type Problem } from '../problem.ts';
import { madeBetween, movedAtBegin, PATIENCE, rotatedAfter } from './between.ts';
import { Lines } from './line.ts';
import { findMoved, isSameBegin, type Moved, type Part } from './moved.ts';
import { bytesAt, close, fileOf, lookAt, newestRotated, openLog } from './open.ts';

/*
 * One log file, read from somewhere on and then as it grows, through each way to rotate it:
 *
 *   renamed, and a new one made      what was open is read to its end, then those between, then the new one
 *   its begin cut out or punched     the bytes before our place (the anchor) are elsewhere: they are looked for
 *   copied and truncated             the same: what was not read yet is in the copy
 */

/** What stands right before the place we are at: where it is not there any more, the file was rotated. */
const ANCHOR = 1024;
const CHUNK = 1 << 18;
const buffer = Buffer.allocUnsafe(ANCHOR + CHUNK);
const again = Buffer.allocUnsafe(ANCHOR);

/** ms. For so long a file that was renamed is looked at for what its writer still had for it. */
const LINGER = 10_000;

interface Live {
  readonly fd: number;
  readonly file: string;
  at: number;
  anchor: Buffer;
  /** The newest rotated file when it was at its begin. */
  before: string | undefined;
  /** Another file has its name, and was written to. */
  replaced: boolean;
  /** Since when it can't be told where to go on. */
  unsure: number | undefined;
}

export interface Start {
  readonly parts: readonly Part[];
  readonly live: { readonly fd: number; readonly file: string; readonly at: number } | undefined;
  /** The newest rotated file before it. */
  readonly before: string | undefined;
}

export class LogFile implements Disposable {
  readonly path: string;
  readonly #tell: (problem: Problem) => void;
  #lines = new Lines();
  #parts: Part[] = [];
  #live: Live | undefined;
  #old: { readonly fd: number; at: number; until: number; readonly lines: Lines } | undefined;
  #told: string | undefined;
  /** The newest rotated file when it began to be waited for: what is newer belongs to what comes. */
  readonly #before: string | undefined;
  readonly #patience: number;
  /** What was read as the copy of what was cut off. */
  readonly #copies = new Set<string>();

  /**
   * Without a start it is read from its begin, once it is there. `patience` (ms): for a rotation that is under way, at most;
   * then it is taken for one that was killed.
   */
  constructor(
    path: string,
    tell: (problem: Problem) => void,
    start?: Start,
    patience: number = Number.POSITIVE_INFINITY,
  ) {
    this.path = path;
    this.#tell = tell;
    this.#patience = patience;
    this.#before = start === undefined ? newestRotated(path) : start.before;
    if (start === undefined) return;
    this.#parts = [...start.parts];
    const { live, before } = start;
    if (live === undefined) return;
    this.#live = { ...live, before, anchor: anchorAt(live.fd, live.at), replaced: false, unsure: undefined };
  }

  /** Where reading is in the live file; undefined while it is still before that. */
  get at(): number | undefined {
    return this.#parts.length > 0 ? undefined : this.#live?.at;
  }

  /** It is just being rotated: what comes next is known in a moment. */
  get isUnsure(): boolean {
    return this.#live?.unsure !== undefined;
  }

  get isOpen(): boolean {
    return this.#live !== undefined;
  }

  /** The next lines that are whole; undefined where there is nothing more now. */
  read(): readonly string[] | undefined {
    const [part] = this.#parts;
    if (part !== undefined) return this.#readPart(part);
    const live = this.#live ?? this.#open(this.#before);
    return live && this.#readLive(live);
  }

  /** What is there of a line that has no end yet. */
  end(): readonly string[] {
    return this.#lines.end();
  }

  [Symbol.dispose](): void {
    close([...this.#parts, ...(this.#live === undefined ? [] : [this.#live]), ...(this.#old ? [this.#old] : [])]);
    this.#parts = [];
    this.#live = undefined;
    this.#old = undefined;
  }

  /** `before`: the newest rotated file before it. */
  #open(before: string | undefined): Live | undefined {
    try {
      const opened = openLog(this.path);
      if (opened === undefined) return undefined;
      const live = { ...opened, at: 0, anchor: Buffer.alloc(0), before, replaced: false, unsure: undefined };
      this.#live = live;
      this.#told = undefined;
      return live;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      for (const problem of error.problems) this.#say(problem);
      return undefined;
    }
  }

  #say(problem: Problem): void {
    if (this.#told !== problem.summary) this.#tell(problem);
    this.#told = problem.summary;
  }

  #readPart(part: Part): readonly string[] {
    const count = readSync(part.fd, buffer, 0, Math.min(CHUNK, part.to - part.from), part.from);
    const from = part.from + count;
    if (count === 0 || from >= part.to) {
      closeSync(part.fd);
      this.#parts.shift();
    } else this.#parts[0] = { ...part, from };
    return this.#lines.push(buffer.toString('latin1', 0, count));
  }

  #readLive(live: Live): readonly string[] | undefined {
    const { fd, at, anchor } = live;
    const length = anchor.length;
    // So near to the begin, what is there now may look like what was there before.
    let isNear = length < ANCHOR;
    const isRotated = () => newestRotated(this.path) !== live.before;
    if (isNear && isRotated()) {
      const moved = movedAtBegin(this.path, live);
      if (moved === undefined) this.#waits(live);
      if (moved !== 'elsewhere') return moved !== undefined && this.#goOn(live, moved) ? [] : undefined;
      isNear = false;
    }
    const count = readSync(fd, buffer, 0, length + CHUNK, at - length);
    if (!startsWith(buffer, count, anchor)) return this.#findAgain(live);
    if (count === length) return this.#atEnd(live);
    // What is cut out while it is read may be half of this and half of that.
    if (isNear && isRotated()) return [];
    if (length > 0 && !startsWith(again, readSync(fd, again, 0, length, at - length), anchor))
      return this.#findAgain(live);
    live.at += count - length;
    live.anchor = withoutHole(Buffer.from(buffer.subarray(Math.max(0, count - ANCHOR), count)));
    live.unsure = undefined;
    return this.#lines.push(buffer.toString('latin1', length, count));
  }

  #waits(live: Live, patience = PATIENCE): boolean {
    live.unsure ??= Date.now();
    return Date.now() - live.unsure < Math.min(patience, this.#patience);
  }

  /** False where that is to be looked at once more first. */
  #goOn(live: Live, { parts, at, before, lost, patience }: Moved): boolean {
    if (patience !== undefined && this.#waits(live, patience)) {
      close(parts);
      return false;
    }
    live.unsure = undefined;
    if (lost !== undefined) this.#sayLost(lost);
    this.#parts.push(...parts);
    for (const { fd } of parts) this.#copies.add(fileOf(fd));
    live.at = at;
    live.anchor = anchorAt(live.fd, at);
    live.before = before;
    return true;
  }

  #sayLost(how: 'rotated' | 'emptied'): void {
    const what =
      how === 'rotated'
        ? 'was rotated faster than it could be read: lines may be missing'
        : 'was emptied: what was written right before that may be missing';
    this.#say({ code: 'log-cut', summary: `${this.path} ${what}` });
    this.#lines.cut();
  }

  #findAgain(live: Live): readonly string[] | undefined {
    const moved = findMoved(this.path, live.fd, live.at, live.anchor);
    if (moved !== undefined) return this.#goOn(live, moved) ? [] : undefined;
    if (this.#waits(live)) return undefined;
    this.#goOn(live, { parts: [], at: 0, before: newestRotated(this.path), lost: 'emptied' });
    return this.#lines.end();
  }

  #atEnd(live: Live): readonly string[] | undefined {
    const late = this.#readOld();
    if (late !== undefined) return late;
    const now = lookAt(this.path);
    // As long as nothing is in the new one, its writer may well go on with the old.
    if (now === undefined || now.file === live.file || now.size === 0) return undefined;
    if (live.replaced) return this.#replace(live);
    // Once more to the end, now that it is known that another is written to.
    live.replaced = true;
    return [];
  }

  #replace(live: Live): readonly string[] | undefined {
    const gone = fstatSync(live.fd).nlink === 0;
    const between = rotatedAfter(this.path, gone ? live.before : live.file, { gone });
    // It may be on its way from one name to the next; what has a name of another kind stays unknown.
    const isUnknown = between !== undefined && !gone && !between.found;
    if (between === undefined || (isUnknown && between.newest !== undefined)) {
      const waits = this.#waits(live);
      if (between === undefined || waits) {
        close(between?.parts ?? []);
        return undefined;
      }
    }
    const next = this.#open(between.newest);
    if (next === undefined) {
      close(between.parts);
      return undefined;
    }
    if (gone && !between.found && between.parts.length > 0) this.#sayLost('rotated');
    const parts = [...between.parts];
    const last = parts.at(-1);
    // A copy of what the new one still has: it is taken in when it was cut out there.
    if (last !== undefined && isSameBegin(last.fd, next.fd)) {
      close([last]);
      parts.pop();
      next.before = parts.at(-1)?.file ?? live.file;
    }
    this.#parts.push(...(isUnknown ? madeBetween(this.path, live.fd, next.fd, this.#copies) : parts));
    if (this.#old !== undefined) closeSync(this.#old.fd);
    this.#old = { fd: live.fd, at: live.at, until: Date.now() + LINGER, lines: new Lines() };
    return [];
  }

  /** What was still written to the file that had the name before. */
  #readOld(): readonly string[] | undefined {
    const old = this.#old;
    if (old === undefined) return undefined;
    const count = readSync(old.fd, buffer, 0, CHUNK, old.at);
    if (count > 0) {
      old.at += count;
      old.until = Date.now() + LINGER;
      return old.lines.push(buffer.toString('latin1', 0, count));
    }
    if (Date.now() < old.until) return undefined;
    closeSync(old.fd);
    this.#old = undefined;
    return old.lines.end();
  }
}

function anchorAt(fd: number, at: number): Buffer {
  return withoutHole(bytesAt(fd, Math.max(0, at - ANCHOR), at));
}

/** A hole tells nothing: it grows. */
function withoutHole(bytes: Buffer): Buffer {
  if (bytes[0] !== 0) return bytes;
  const begin = bytes.findIndex((byte) => byte !== 0);
  return begin === -1 ? Buffer.alloc(0) : bytes.subarray(begin);
}

function startsWith(bytes: Buffer, count: number, begin: Buffer): boolean {
  return count >= begin.length && bytes.compare(begin, 0, begin.length, 0, begin.length) === 0;
}
