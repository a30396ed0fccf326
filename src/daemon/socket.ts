import { closeSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** sun_path holds 107 bytes (unix(7)). */
const LONGEST = 107;

/** Calls `use` with a path by which a socket can be bound or reached, however long its real path is. */
export async function withSocketPath<T>(path: string, use: (path: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= LONGEST) return use(path);
  const folder = openSync(dirname(path), 'r');
  try {
    return await use(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}
