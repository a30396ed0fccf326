import { spawn } from 'node:child_process';
import { constants, ftruncateSync, lstatSync, readSync, renameSync, rmSync, type Stats, writeSync } from 'node:fs';
import { type FileHandle, open, lstat as statLink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** When to rotate a log file, and how many rotated ones to keep (`FILE.1` is the newest). */
export interface Rotation {
  /** In bytes; 0 never rotates. */
  readonly maxSize: number;
  /** 0 drops what would be rotated. */
  readonly keep: number;
}

/**
 * How a range was taken out of the live file. `collapsed`: the file is shorter. `punched`: it begins with a hole, its
 * size stays and its blocks are free. `truncated`: neither works here, and what was written in the moment before the
 * truncation may be lost.
 */
export type Rotated = 'not-needed' | 'collapsed' | 'punched' | 'truncated';

const CHUNK = 1 << 20;
const running = new Map<string, Promise<Rotated>>();
/** Where the hole of a live file ends that we have punched ourselves: saves looking for it in a file that grew huge. */
const holes = new Map<string, { readonly file: string; readonly end: number }>();

/**
 * Rotates a file that has a live writer with O_APPEND. A whole number of blocks is copied aside, made durable and
 * renamed to `FILE.1`, and only then taken out of the live file: killed in between, a range stands twice, never nowhere.
 * Anything but a regular file is left alone. Rejects with what the system said; the live file is whole then.
 */
export function rotateIfNeeded(path: string, rotation: Rotation): Promise<Rotated> {
  // Two at a time would both copy one range and then take out two.
  const already = running.get(path);
  if (already !== undefined) return already;
  const rotated = rotateLive(path, rotation).finally(() => running.delete(path));
  running.set(path, rotated);
  return rotated;
}

/** Rotates a file that nobody writes to: a plain rename. Throws what the system said. */
export function rotateBeforeStart(path: string, rotation: Rotation): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !isDue(stat, rotation)) return;
  if (rotation.keep > 0) shift(path, path, rotation.keep);
  else rmSync(path);
}

function isDue(stat: Stats, { maxSize }: Rotation): boolean {
  // A file with a hole is as large as its blocks; preallocated blocks are no content.
  return maxSize > 0 && stat.isFile() && Math.min(stat.size, stat.blocks * 512) > maxSize;
}

async function rotateLive(path: string, rotation: Rotation): Promise<Rotated> {
  const seen = await statLink(path).catch(absent);
  if (seen === undefined || !isDue(seen, rotation)) return 'not-needed';
  // Names below an open folder, and no symbolic links: whoever owns the folder can't turn root's writes elsewhere.
  const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const at = join(`/proc/self/fd/${folder.fd}`, basename(path));
    const file = await open(at, constants.O_RDWR | constants.O_NOFOLLOW).catch(absent);
    if (file === undefined) return 'not-needed';
    try {
      return await rotateOpen(path, at, file, folder, rotation);
    } finally {
      await file.close();
    }
  } finally {
    await folder.close();
  }
}

async function rotateOpen(
  path: string,
  at: string,
  file: FileHandle,
  folder: FileHandle,
  rotation: Rotation,
): Promise<Rotated> {
  const stat = await file.stat();
  // Ranges are removed in whole blocks, and never up to the end of the file.
  const end = Math.floor((stat.size - 1) / stat.blksize) * stat.blksize;
  const from = await dataStart(path, file, stat);
  if (!isDue(stat, rotation) || end <= from) return 'not-needed';
  if (rotation.keep === 0) return remove(path, file, stat, end);

  const temporary = `${at}.rotating`;
  rmSync(temporary, { force: true });
  const copy = await open(temporary, 'wx', 0o600);
  try {
    if (!(await copyRange(file, copy, from, end))) return 'not-needed';
    const { uid, gid } = await copy.stat();
    if (uid !== stat.uid || gid !== stat.gid) await copy.chown(stat.uid, stat.gid);
    await copy.chmod(stat.mode & 0o777);
    await copy.sync();
    shift(at, temporary, rotation.keep);
    await folder.sync();
    return await remove(path, file, stat, end, copy);
  } finally {
    rmSync(temporary, { force: true });
    await copy.close();
  }
}

/** Takes [0, end) out of the live file; `copy` gets what else a truncation would take. */
async function remove(path: string, file: FileHandle, stat: Stats, end: number, copy?: FileHandle): Promise<Rotated> {
  // Emptied by somebody else meanwhile: what is there now was not copied.
  if ((await file.stat()).size <= end) return 'not-needed';
  if (await fallocate(file, '--collapse-range', end)) {
    holes.delete(path);
    return 'collapsed';
  }
  if (await fallocate(file, '--punch-hole', end)) {
    holes.set(path, { file: identity(stat), end });
    return 'punched';
  }
  // Without waiting in between, to lose as little as can be.
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = end; copy !== undefined; ) {
    const length = readSync(file.fd, buffer, 0, CHUNK, at);
    if (length === 0) break;
    at += writeSync(copy.fd, buffer, 0, length);
  }
  ftruncateSync(file.fd, 0);
  return 'truncated';
}

/** The program, as Node has no such call. It gets our own descriptor: the file that was copied, whatever its name is now. */
function fallocate(file: FileHandle, how: string, length: number): Promise<boolean> {
  const args = [how, '--offset', '0', '--length', String(length), '/proc/self/fd/3'];
  const child = spawn('fallocate', args, { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
  return new Promise((resolve) =>
    child.once('error', () => resolve(false)).once('exit', (code) => resolve(code === 0)),
  );
}

/** Where the content begins: 0, or the end of the hole that earlier rotations left. */
async function dataStart(path: string, file: FileHandle, stat: Stats): Promise<number> {
  const block = stat.blksize;
  const hole = holes.get(path);
  const known = hole !== undefined && hole.file === identity(stat) && stat.birthtimeMs > 0 ? hole.end : 0;
  // By what is allocated, which may be less than what is there (compression): only blocks of zeros are skipped.
  const likely = Math.floor((Math.ceil(stat.size / block) * block - stat.blocks * 512) / block) * block;
  const buffer = Buffer.alloc(Math.ceil(CHUNK / block) * block);
  const zeros = Buffer.alloc(buffer.length);
  let from = known;
  while (from < likely) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, likely - from), from);
    if (bytesRead === 0) break;
    if (buffer.compare(zeros, 0, bytesRead, 0, bytesRead) !== 0) {
      return from + Math.floor(buffer.findIndex((byte) => byte !== 0) / block) * block;
    }
    from += bytesRead;
  }
  return from;
}

/** Appends [from, end) of one file to another; false where the file ended before. */
async function copyRange(file: FileHandle, copy: FileHandle, from: number, end: number): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = from; at < end; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK, end - at), at);
    if (bytesRead === 0) return false;
    await copy.writeFile(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return true;
}

/** Makes room by moving up to the first free number, then makes `newest` the first; what is beyond `keep` goes. */
function shift(path: string, newest: string, keep: number): void {
  let free = 1;
  while (free < keep && exists(`${path}.${free}`)) free += 1;
  for (let i = free - 1; i >= 1; i -= 1) renameSync(`${path}.${i}`, `${path}.${i + 1}`);
  renameSync(newest, `${path}.1`);
  for (let i = keep + 1; exists(`${path}.${i}`); i += 1) rmSync(`${path}.${i}`);
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function identity(stat: Stats): string {
  return `${stat.dev}:${stat.ino}:${stat.birthtimeMs}`;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
