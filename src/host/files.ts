import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

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
