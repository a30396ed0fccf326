import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file whole: readers see the old or the new text, never a part. `sync` makes it survive a power cut;
 * leave it out on tmpfs and for what can be made again. Mode 0600 unless told. Throws what the system call says, of
 * this path.
 */
export function writeAtomic(
  path: string,
  text: string,
  options: { readonly mode?: number; readonly sync?: boolean } = {},
): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const fd = openSync(temporary, 'w', options.mode ?? 0o600);
    try {
      // Until all of it is written: a full disk takes a part, and says so only of the rest.
      writeFileSync(fd, text);
      if (options.sync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw Object.assign(error as Error, { path });
  }
}

/** The text of a file, or undefined where there is none; any other failure throws: unreadable is not absent. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** By what a file is the very same, untouched, for the price of a look. */
export type Mark = readonly (number | boolean)[];

/** ms. Times of files are no finer than a tick of the kernel: what was just touched may be once more with the same time. */
const TICK = 50;

/** The mark of a file as it is now: taken before it is read. Undefined where it can't be had. */
export function markOf(path: string): Mark | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const { dev, ino, size, mtimeMs, ctimeMs } = stat;
    return [Date.now() - ctimeMs > TICK, dev, ino, size, mtimeMs, ctimeMs];
  } catch {
    return undefined;
  }
}

/** Is what was read after `before` what would be read now? When in doubt it is not. */
export function isUntouched(before: Mark | undefined, now: Mark | undefined): boolean {
  return before?.[0] === true && now !== undefined && before.every((value, i) => value === now[i]);
}
