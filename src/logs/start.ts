import { fstatSync } from 'node:fs';
import type { Start } from './file.ts';
import { dataAfter, isSameBegin, type Part, SETTLED } from './moved.ts';
import { bytesAt, close, lookAt, newestRotated, type Opened, openLog, openRotated } from './open.ts';
import { timeIn } from './times.ts';

const CHUNK = 1 << 16;
const ZEROS = Buffer.alloc(CHUNK);
const NEWLINE = 10;

/** Where to begin: so many lines from the end, and none older than a time (ms since the epoch). */
export interface Wanted {
  readonly count: number;
  readonly since: number | undefined;
}

/** Where reading begins, and up to where the file had been written by then. */
export interface Begun {
  readonly start: Start;
  readonly end: number;
  /** When something was last written (ms since the epoch). */
  readonly written: number;
  /** Its lines bear no time, and so it is not known which of them are that old. */
  readonly timeless: boolean;
}

/**
 * Finds where to begin, from the end backwards, through what was rotated away too: of a huge file no more is read than is
 * shown. Undefined where there is no file; fails where it can't be read.
 */
export function beginOf(path: string, wanted: Wanted): Begun | undefined {
  for (let tries = 0; ; tries += 1) {
    const live = openLog(path);
    const rotated = openRotated(path) ?? [];
    if (live === undefined) {
      // It may have been renamed just now, and be made anew in a moment.
      const isSteady = lookAt(path) === undefined && newestRotated(path) === rotated[0]?.file;
      if (tries >= TRIES || isSteady) return rotated.length === 0 ? undefined : withoutLive(rotated, wanted);
      close(rotated);
      continue;
    }
    const hole = holeOf(live);
    if (hole > 0 && isFresh(rotated[0]) && tries < TRIES) {
      close([live, ...rotated]);
      Atomics.wait(PAUSE, 0, 0, SETTLED / 10);
      continue;
    }
    // Of a rotation that is under way, what was copied is still in the live file too.
    const isUncut = () => rotated[0] !== undefined && isSameBegin(rotated[0].fd, live.fd, holeOf(live));
    const uncut = isUncut();
    const older = uncut ? rotated.slice(1) : rotated;
    const { from, timeless } = placeOf([live, ...older], wanted);
    const at = Math.max(from.file === 0 ? from.at : 0, hole);
    // What was seen is of one moment, or seen again.
    if (tries < TRIES && (newestRotated(path) !== rotated[0]?.file || isUncut() !== uncut)) {
      close([live, ...rotated]);
      continue;
    }
    const used = older.slice(0, from.file);
    close(rotated.filter((each) => !used.includes(each)));
    const parts = used
      .map(({ fd, size }, i): Part => ({ fd, from: i + 1 === from.file ? from.at : 0, to: size }))
      .reverse();
    const written = fstatSync(live.fd).mtimeMs;
    const start = { parts, live: { fd: live.fd, file: live.file, at }, before: older[0]?.file };
    return { start, end: live.size, written, timeless };
  }
}

const TRIES = 100;
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** A hole is not made at once: until then, what was copied is in part in the live file too. */
function isFresh(newest: Opened | undefined): boolean {
  return newest !== undefined && Math.abs(Date.now() - fstatSync(newest.fd).ctimeMs) < SETTLED;
}

function withoutLive(rotated: readonly Opened[], wanted: Wanted): Begun {
  const { from, timeless } = placeOf(rotated, wanted);
  const used = rotated.slice(0, from.file + 1);
  close(rotated.slice(used.length));
  const parts = used.map(({ fd, size }, i): Part => ({ fd, from: i === from.file ? from.at : 0, to: size })).reverse();
  const written = Math.max(...used.map(({ fd }) => fstatSync(fd).mtimeMs));
  return { start: { parts, live: undefined, before: rotated[0]?.file }, end: 0, written, timeless };
}

function placeOf(
  files: readonly Opened[],
  { count, since }: Wanted,
): { readonly from: At; readonly timeless: boolean } {
  const last = lineFromEnd(files, count);
  const first = since === undefined ? last : firstSince(files, since);
  return first === 'unknown' ? { from: last, timeless: true } : { from: later(last, first), timeless: false };
}

/** A place in files, of which the first is the newest. */
interface At {
  readonly file: number;
  readonly at: number;
}

function later(a: At, b: At): At {
  if (a.file !== b.file) return a.file < b.file ? a : b;
  return a.at > b.at ? a : b;
}

/** Where the last so many lines begin; one that has no end yet is a line. With none it is behind the last whole line. */
function lineFromEnd(files: readonly Opened[], count: number): At {
  if (count === Number.POSITIVE_INFINITY) return { file: files.length - 1, at: 0 };
  let missing = count;
  let isLast = true;
  for (const [i, { fd, size }] of files.entries()) {
    for (const { bytes, begin } of backwards(fd, size)) {
      // The end of the last line is no begin of another.
      if (isLast && bytes.at(-1) === NEWLINE) missing += 1;
      isLast = false;
      for (let at = bytes.lastIndexOf(NEWLINE); at !== -1; at = at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1)) {
        missing -= 1;
        if (missing <= 0) return { file: i, at: begin + at + 1 };
      }
    }
  }
  return { file: files.length - 1, at: 0 };
}

/** Blocks of a file from its end on, up to its begin or a hole. */
function* backwards(fd: number, size: number): Generator<{ readonly bytes: Buffer; readonly begin: number }> {
  for (let end = size; end > 0; ) {
    const begin = Math.max(0, end - CHUNK);
    const bytes = bytesAt(fd, begin, end);
    if (bytes.length === 0 || bytes.compare(ZEROS, 0, bytes.length) === 0) return;
    yield { bytes, begin };
    end = begin;
  }
}

/** So many bytes without a line that bears a time, and none is looked for any more. */
const TIMELESS = 1 << 20;

/** The first line that is not older, and all that follow; unknown where lines bear no time. */
function firstSince(files: readonly Opened[], since: number): At | 'unknown' {
  let found: At = { file: 0, at: files[0]?.size ?? 0 };
  for (const [i, { fd, size }] of files.entries()) {
    // Whatever is in it, it was written before.
    if (fstatSync(fd).mtimeMs < since) return found;
    let [reached, without, timed] = [size, 0, false];
    for (const { bytes, begin } of backwards(fd, size)) {
      reached = begin;
      const lines = timedLines(bytes, begin === 0);
      const first = lines[0];
      if (first !== undefined && first.time < since) {
        const line = lines.find(({ time }) => time >= since);
        return line === undefined ? found : { file: i, at: begin + line.at };
      }
      timed ||= first !== undefined;
      without = first === undefined ? without + bytes.length : 0;
      if (first !== undefined) found = { file: i, at: begin + first.at };
      if (without > TIMELESS) return timed ? found : 'unknown';
    }
    if (!timed && size > 0) return 'unknown';
    // What stands before the first line with a time is told with it.
    found = { file: i, at: reached };
  }
  return found;
}

function timedLines(bytes: Buffer, whole: boolean): { readonly at: number; readonly time: number }[] {
  const found: { readonly at: number; readonly time: number }[] = [];
  for (let at = whole ? 0 : bytes.indexOf(NEWLINE) + 1; at < bytes.length; ) {
    if (at === 0 && !whole) break;
    const time = timeIn(bytes.toString('latin1', at, at + 200).split('\n', 1)[0] ?? '');
    if (time !== undefined) found.push({ at, time });
    const next = bytes.indexOf(NEWLINE, at);
    if (next === -1) break;
    at = next + 1;
  }
  return found;
}

/** The end of a hole that the file begins with, as rotation may leave one; 0 where that is not sure. */
function holeOf({ fd }: Opened): number {
  const { size, blocks, blksize } = fstatSync(fd);
  const end = Math.floor((Math.ceil(size / blksize) * blksize - blocks * 512) / blksize) * blksize;
  const isZero = (at: number) => bytesAt(fd, at, at + blksize).every((byte) => byte === 0);
  return end > 0 && isZero(0) && isZero(end - blksize) ? dataAfter(fd, end) : 0;
}
