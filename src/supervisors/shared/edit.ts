import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../../problem.ts';

/** A text with each byte as the character of its number, so that what is no UTF-8 is written back as it was. */
export function readBytes(path: string): string {
  return readFileSync(path, 'latin1');
}

export function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function fromBytes(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/**
 * Changes a file of somebody else: whole, synced, with its owner and mode, behind a symbolic link as well. What `change`
 * leaves as it is is not written. The name of the file that is written first begins with a dot: neither cron nor a pattern
 * of [include] takes it for one of theirs, where we are killed before it has its name. Throws what the system says, of this
 * path.
 */
export function editFile(path: string, change: (bytes: string) => string): void {
  try {
    const real = realpathSync(path);
    const temporary = join(dirname(real), `.${basename(real)}.reconciled`);
    const before = readBytes(real);
    const after = change(before);
    if (after === before) return;
    const { uid, gid, mode } = statSync(real);
    rmSync(temporary, { force: true });
    try {
      const fd = openSync(temporary, 'wx', 0o600);
      try {
        writeFileSync(fd, after, 'latin1');
        chownSync(temporary, uid, gid);
        // Behind chown, which takes set-id bits away.
        chmodSync(temporary, mode & 0o7777);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      if (readBytes(real) !== before) throw changedMeanwhile(path);
      renameSync(temporary, real);
    } finally {
      rmSync(temporary, { force: true });
    }
  } catch (error) {
    throw error instanceof Failure ? error : Object.assign(error as Error, { path });
  }
}

function changedMeanwhile(path: string): Failure {
  return new Failure({
    code: 'changed-meanwhile',
    summary: `cannot change ${path}: somebody else is changing it`,
    hint: 'it was left as it is; run `reconcile` again',
  });
}

/** The lines of a text, each with its end. */
export function linesOf(text: string): readonly string[] {
  return text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
}

/** A line without its end, and that. */
export function partsOfLine(line: string): readonly [text: string, end: string] {
  const text = line.replace(/[\r\n]+$/, '');
  return [text, line.slice(text.length)];
}
