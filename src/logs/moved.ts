import { closeSync, fstatSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bytesAt, close, newestRotated, type Opened, openIfCan, openRotated } from './open.ts';

/** A part of a file that nobody writes to any more. */
export interface Part {
  readonly fd: number;
  readonly from: number;
  readonly to: number;
}

/** Where reading goes on: what is to be read first, and then the live file from `at` on. */
export interface Moved {
  readonly parts: readonly Part[];
  readonly at: number;
  /** The newest rotated file by then. */
  readonly before: string | undefined;
}

/**
 * What was read up to `at` of a live file, and what stood right before that (`anchor`), is no longer there: a part of the
 * file was moved to `FILE.1`, or copied to another and cut off. Undefined where it is not found anywhere.
 */
export function findMoved(path: string, fd: number, at: number, anchor: Buffer): Moved | undefined {
  const rotated = openRotated(path);
  if (rotated === undefined) return undefined;
  const hole = punched(fd, at, anchor, rotated);
  let found = hole === 'no' ? shifted(fd, at, anchor, rotated) : hole;
  // Another rotation meanwhile: what was seen is of before and of after.
  if (newestRotated(path) !== rotated[0]?.file) found = undefined;
  const used = new Set(found?.parts.map((part) => part.fd));
  close(rotated.filter((each) => !used.has(each.fd)));
  if (found !== undefined || hole === undefined) return found;
  const copy = copied(path, at, anchor);
  return copy && { parts: [copy], at: 0, before: rotated[0]?.file };
}

const CHUNK = 1 << 16;

/**
 * The begin of the file became a hole: positions are as they were, and what is missing is at the end of `FILE.1`. `no`: it is
 * none; undefined where that goes on just now.
 */
function punched(fd: number, at: number, anchor: Buffer, rotated: readonly Opened[]): Moved | 'no' | undefined {
  const now = bytesAt(fd, at - anchor.length, at);
  if (now.length < anchor.length) return 'no';
  const kept = now.findIndex((byte) => byte !== 0);
  // The hole ends before what is read next.
  if (kept > 0 && now.subarray(kept).equals(anchor.subarray(kept))) return { parts: [], at, before: rotated[0]?.file };
  if (kept !== -1) return 'no';
  const end = dataAfter(fd, at);
  const done = withoutUncut(rotated, fd, end);
  // It was cut out just now: the one is of before, the other of after.
  if (dataAfter(fd, at) !== end) return undefined;
  const [newest] = done;
  const before = newest?.file;
  // The first time it has all from the begin on, as a copy has.
  const same = newest !== undefined && newest.size >= at && hasAnchor(newest.fd, at, anchor);
  if (same) return { parts: [{ fd: newest.fd, from: at, to: newest.size }], at: end, before };
  return { parts: lastBytes(done, end - at), at: end, before };
}

/** Of a rotation that is under way, what was copied is still in the live file too. */
function withoutUncut(rotated: readonly Opened[], fd: number, begin: number): readonly Opened[] {
  const [newest, ...older] = rotated;
  return newest !== undefined && isSameBegin(newest.fd, fd, begin) ? older : rotated;
}

/** Begins a file with what another one has at a place? */
export function isSameBegin(copy: number, fd: number, begin = 0): boolean {
  const [one, other] = [bytesAt(copy, 0, BEGIN), bytesAt(fd, begin, begin + BEGIN)];
  const length = Math.min(one.length, other.length);
  return length > 0 && one.subarray(0, length).equals(other.subarray(0, length));
}

const BEGIN = 1024;

/** The first byte from a position on that is not zero, or the end. */
export function dataAfter(fd: number, from: number): number {
  for (let at = from; ; at += CHUNK) {
    const bytes = bytesAt(fd, at, at + CHUNK);
    const found = bytes.findIndex((byte) => byte !== 0);
    if (found !== -1) return at + found;
    if (bytes.length < CHUNK) return at + bytes.length;
  }
}

/** The last so many bytes of all rotated files, the oldest first. */
function lastBytes(rotated: readonly Opened[], count: number): Part[] {
  const parts: Part[] = [];
  let missing = count;
  for (const { fd, size } of rotated) {
    if (missing <= 0) break;
    parts.unshift({ fd, from: Math.max(0, size - missing), to: size });
    missing -= size;
  }
  return parts;
}

/** So many rotations at once are found. */
const MOST = 20;

/** The begin of the file was taken out: all positions are less by that. Else it was copied and the file emptied. */
function shifted(fd: number, at: number, anchor: Buffer, rotated: readonly Opened[]): Moved | undefined {
  const done = withoutUncut(rotated, fd, 0);
  const before = done[0]?.file;
  for (let count = 1; count <= Math.min(done.length, MOST); count += 1) {
    const files = done.slice(0, count).reverse();
    const length = files.reduce((sum, { size }) => sum + size, 0);
    const whole = [...files, { fd, size: Number.POSITIVE_INFINITY }];
    if (!bytesOf(whole, at - anchor.length, at).equals(anchor)) continue;
    if (at >= length) return { parts: [], at: at - length, before };
    return { parts: partsFrom(files, at), at: 0, before };
  }
  return undefined;
}

/** Bytes [from, to) of files one behind the other. */
function bytesOf(files: readonly { readonly fd: number; readonly size: number }[], from: number, to: number): Buffer {
  const found: Buffer[] = [];
  let begin = 0;
  for (const { fd, size } of files) {
    const [first, last] = [Math.max(from, begin) - begin, Math.min(to, begin + size) - begin];
    if (first < last) found.push(bytesAt(fd, first, last));
    begin += size;
  }
  return Buffer.concat(found);
}

function partsFrom(files: readonly Opened[], at: number): Part[] {
  let begin = 0;
  return files.flatMap(({ fd, size }) => {
    const from = Math.max(0, at - begin);
    begin += size;
    return from < size ? [{ fd, from, to: size }] : [];
  });
}

/** ms. A copy that was made right before the file was emptied is not older. */
const RECENT = 60_000;

/** A copy with a name of its own (`FILE-20261128`): the newest that has the anchor where we had it. */
function copied(path: string, at: number, anchor: Buffer): Part | undefined {
  const [folder, name] = [dirname(path), basename(path)];
  for (const other of entriesOf(folder)) {
    if (!other.startsWith(name) || other === name || COMPRESSED.test(other)) continue;
    const file = join(folder, other);
    if (Date.now() - (timeOf(file) ?? 0) > RECENT) continue;
    const part = partWith(file, at, anchor);
    if (part !== undefined) return part;
  }
  return undefined;
}

function partWith(file: string, at: number, anchor: Buffer): Part | undefined {
  const opened = openIfCan(file);
  if (opened === undefined) return undefined;
  const { fd, size } = opened;
  if (size >= at && hasAnchor(fd, at, anchor)) return { fd, from: at, to: size };
  closeSync(fd);
  return undefined;
}

function hasAnchor(fd: number, at: number, anchor: Buffer): boolean {
  return bytesAt(fd, at - anchor.length, at).equals(anchor);
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function timeOf(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.ctimeMs;
  } catch {
    return undefined;
  }
}

/** Files that were rotated away since one of them was the newest, the oldest first. */
export interface Between {
  readonly parts: readonly (Part & { readonly file: string })[];
  /** The newest by now. */
  readonly newest: string | undefined;
  /** That one is not among them any more: others may be missing too. */
  readonly lost: boolean;
  /** That one is among them. */
  readonly found: boolean;
}

/**
 * The rotated files that are newer than `file`, but not the one that is read already (`own`), or newer than that; undefined
 * while they are just being renamed. `gone`: where it is not among them, all of them are newer.
 */
export function rotatedAfter(
  path: string,
  file: string | undefined,
  { own, gone }: { readonly own?: string; readonly gone: boolean },
): Between | undefined {
  const rotated = openRotated(path);
  if (rotated === undefined) return undefined;
  const known = rotated.findIndex((each) => each.file === file);
  const begin = rotated.findIndex((each) => each.file === own) + 1;
  const end = known !== -1 ? known : gone ? rotated.length : 0;
  const wanted = rotated.slice(begin, end);
  close(rotated.filter((each) => !wanted.includes(each)));
  const parts = wanted.map(({ fd, file: each }) => ({ fd, file: each, from: 0, to: fstatSync(fd).size })).reverse();
  const lost = file !== undefined && known === -1 && parts.length > 0;
  return { parts, newest: rotated[0]?.file, lost, found: known !== -1 };
}

/**
 * What had the name after one file and before another, and has a name of its own kind now (`FILE-20261128`), the oldest
 * first: by when they were made, where the file system knows that.
 */
export function madeBetween(path: string, after: number, before: number): readonly Part[] {
  const [folder, name] = [dirname(path), basename(path)];
  const born = (fd: number) => fstatSync(fd).birthtimeMs;
  const [first, last] = [born(after), born(before)];
  const found: (Part & { readonly born: number })[] = [];
  for (const other of entriesOf(folder)) {
    if (!other.startsWith(name) || other === name || first === 0) continue;
    if (/^\.\d+$/.test(other.slice(name.length)) || COMPRESSED.test(other)) continue;
    const opened = openIfCan(join(folder, other));
    if (opened === undefined) continue;
    const time = born(opened.fd);
    if (time > first && time < last) found.push({ fd: opened.fd, from: 0, to: opened.size, born: time });
    else closeSync(opened.fd);
  }
  return found.sort((a, b) => a.born - b.born);
}

const COMPRESSED = /\.(gz|xz|bz2|zst)$/;
