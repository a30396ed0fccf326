import { hash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { type Problem, why } from '../problem.ts';

/** A file of the desired state as it was read once: all that is said about it later comes from these bytes. */
export interface Source {
  /** Relative to the desired-state directory. */
  readonly file: string;
  readonly bytes: Buffer;
  /** Digest of the bytes. */
  readonly hash: string;
}

const LIMIT = 1 << 20;
const shared = Buffer.allocUnsafeSlow(LIMIT + 1);

/** Reads a regular file of at most 1 MiB. Opened non-blocking: a fifo put in its place is no reason to hang. */
export function readSource(root: string, file: string): Source | Problem {
  try {
    const fd = openSync(`${root}/${file}`, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      let length = 0;
      for (let read = -1; read !== 0 && length <= LIMIT; length += read) {
        read = readSync(fd, shared, length, LIMIT + 1 - length, null);
      }
      if (length > LIMIT) {
        const hint = 'a file of a desired state is a few lines: what is this one?';
        return { code: 'file-too-large', summary: 'the file is larger than 1 MiB', file, hint };
      }
      const bytes = Buffer.from(shared.subarray(0, length));
      return { file, bytes, hash: hash('sha256', bytes, 'hex') };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { code: 'unreadable-file', summary: `cannot read the file: ${why(error)}`, file };
  }
}

/** A source that is not read from a file, or not yet in one. */
export function sourceOf(file: string, text: string): Source {
  const bytes = Buffer.from(text);
  return { file, bytes, hash: hash('sha256', bytes, 'hex') };
}

/** Of a source or the problem that stands in its place. */
export function isProblem(value: object): value is Problem {
  return 'summary' in value;
}
