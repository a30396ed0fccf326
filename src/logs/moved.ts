import { closeSync, readdirSync, statSync } from 'node:fs';
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
  /** What is missing in between: it was rotated away, or written while the file was copied and emptied. */
  readonly lost?: 'rotated' | 'emptied';
  /** ms. It may be under way still: to be looked for anew for so long before it is believed. */
  readonly patience?: number;
}

/** ms. A hole is not made at once. */
export const SETTLED = 100;

/**
 * What was read up to `at` of a live file, and what stood right before that (`anchor`), is no longer there: a part of the
 * file was moved to `FILE.1`, or copied to another and cut off. Undefined where it is not found anywhere.
 */
export function findMoved(path: string, fd: number, at: number, anchor: Buffer): Moved | undefined {
  const rotated = openRotated(path);
  if (rotated === undefined) return undefined;
  const hole = punched(fd, at, anchor, rotated);
  const seen = hole === 'no' ? shifted(fd, at, anchor, rotated) : hole;
  // Another rotation meanwhile: what was seen is of before and of after.
  const isSteady = newestRotated(path) === rotated[0]?.file;
  const isCopied = isSteady && hole !== undefined && (seen === undefined || seen.lost !== undefined);
  const copy = isCopied ? copied(path, at, anchor) : undefined;
  const found = copy === undefined ? seen : fromCopy(copy, seen?.at ?? 0, rotated[0]?.file);
  const used = new Set(isSteady ? found?.parts.map((part) => part.fd) : []);
  close(rotated.filter((each) => !used.has(each.fd)));
  return isSteady ? found : undefined;
}

/** Its writer goes on at the begin, or where it was: what it wrote after the copy and before the file was emptied is gone. */
function fromCopy(copy: Part, at: number, before: string | undefined): Moved {
  return { parts: [copy], at, before, ...(copy.to < at ? { lost: 'emptied' } : {}) };
}

const CHUNK = 1 << 16;

/**
 * The begin of the file became a hole: positions are as they were, and what is missing is at the end of `FILE.1`. `no`: it is
 * none; undefined where that goes on just now.
 */
function punched(fd: number, at: number, anchor: Buffer, rotated: readonly Opened[]): Moved | 'no' | undefined {
  const from = at - anchor.length;
  const now = bytesAt(fd, from, at);
  if (now.length < anchor.length) return 'no';
  const kept = now.findIndex((byte) => byte !== 0);
  if (kept === 0 || (kept > 0 && !now.subarray(kept).equals(anchor.subarray(kept)))) return 'no';
  const end = dataAfter(fd, from);
  // As far as it was cut out, the anchor is where it was, seen from the end of the hole: else that grows still.
  const cut = anchor.subarray(0, end - from);
  const isDone = (files: readonly Opened[]) => standsBeforeEnd(files, end - from, cut);
  // Of a rotation that is under way, what was copied is still in the live file too.
  const done = [rotated, rotated.slice(1)].find(isDone);
  const rest = done ?? withoutUncut(rotated, fd, end);
  // It was cut out just now: the one is of before, the other of after.
  if (dataAfter(fd, from) !== end) return undefined;
  const moved = { parts: lastBytes(rest, end - at), at: Math.max(at, end), before: rest[0]?.file };
  if (done !== undefined) return moved;
  const [newest] = rest;
  if (newest !== undefined && newest.size >= at && newest.size < end && hasAnchor(newest.fd, at, anchor))
    return fromCopy({ fd: newest.fd, from: at, to: newest.size }, end, newest.file);
  return sizeOf(rest) < end - from ? { ...moved, lost: 'rotated', patience: SETTLED } : undefined;
}

/** Are these the bytes that begin so far before the end of the newest file? */
function standsBeforeEnd(files: readonly Opened[], distance: number, bytes: Buffer): boolean {
  const from = sizeOf(files) - distance;
  return from >= 0 && bytesOf(files.toReversed(), from, from + bytes.length).equals(bytes);
}

function sizeOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
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
    const length = sizeOf(files);
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

export function entriesOf(folder: string): readonly string[] {
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

export const COMPRESSED = /\.(gz|xz|bz2|zst)$/;
