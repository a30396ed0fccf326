import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Failure, type Problem, why } from '../problem.ts';

/** An open file, or a part of one. */
export interface Opened {
  readonly fd: number;
  /** Which file it is, whatever its name is by now. */
  readonly file: string;
  readonly size: number;
}

/** Undefined where there is none. Fails where it can't be read, or is no file. */
export function openLog(path: string): Opened | undefined {
  let fd: number;
  try {
    // A pipe must not be waited for, nor emptied.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new Failure(unreadable(path, error));
  }
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, file: identityOf(stat), size: stat.size };
  closeSync(fd);
  throw new Failure({ code: 'no-log-file', summary: `cannot read ${path}: it is no regular file` });
}

function unreadable(path: string, error: unknown): Problem {
  const { code } = error as NodeJS.ErrnoException;
  const denied = code === 'EACCES' || code === 'EPERM';
  return {
    code: 'log-unreadable',
    summary: `cannot read ${path}: ${why(error)}`,
    ...(denied ? { hint: 'ask as root, or as a user who may read it' } : {}),
  };
}

/** Undefined where there is none, or none that can be seen now. */
export function lookAt(path: string): { readonly file: string; readonly size: number } | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? { file: identityOf(stat), size: stat.size } : undefined;
  } catch {
    return undefined;
  }
}

/** Which file is open there. */
export function fileOf(fd: number): string {
  return identityOf(fstatSync(fd));
}

/** With its birth, where the file system knows it: the number of a file that is gone is given to the next. */
function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`;
}

/** Bytes [from, to) of a file, as far as they are there. */
export function bytesAt(fd: number, from: number, to: number): Buffer {
  const buffer = Buffer.allocUnsafe(to - from);
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from));
}

/** So many rotated files are looked at. */
const MOST = 200;

/** What was rotated away, the newest first: `FILE.1`, `FILE.2`, …; undefined while they are just being renamed. */
export function openRotated(path: string): readonly Opened[] | undefined {
  const numbers = numbersOf(path);
  const found: (Opened & { readonly number: number })[] = [];
  let steady = true;
  for (const number of numbers) {
    try {
      const opened = openLog(`${path}.${number}`);
      if (opened === undefined) steady = false;
      else found.push({ ...opened, number });
    } catch {
      // Not for us to read, or no file: none of those that we follow.
    }
  }
  const is = ({ number, file }: (typeof found)[number]) => lookAt(`${path}.${number}`)?.file === file;
  if (steady && found.every(is) && String(numbersOf(path)) === String(numbers)) return found;
  close(found);
  return undefined;
}

/** What can't be read is none of those that we follow. */
export function openIfCan(path: string): Opened | undefined {
  try {
    return openLog(path);
  } catch {
    return undefined;
  }
}

function numbersOf(path: string): readonly number[] {
  const head = `${basename(path)}.`;
  try {
    const numbers = readdirSync(dirname(path)).flatMap((name) => {
      if (!name.startsWith(head) || !/^[1-9]\d{0,5}$/.test(name.slice(head.length))) return [];
      return [Number(name.slice(head.length))];
    });
    return numbers.sort((a, b) => a - b).slice(0, MOST);
  } catch {
    // A folder that may be entered and not listed.
    return [];
  }
}

/** The newest of those that were rotated away. */
export function newestRotated(path: string): string | undefined {
  return lookAt(`${path}.1`)?.file;
}

export function close(files: Iterable<{ readonly fd: number }>): void {
  for (const { fd } of files) closeSync(fd);
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
