import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Do two folders hold the same, to the byte, and the same programs? What can't be read is not the same. */
export function isSameFolder(a: string, b: string): boolean {
  try {
    const [names, others] = [a, b].map((folder) => readdirSync(folder).sort());
    if (names === undefined || JSON.stringify(names) !== JSON.stringify(others)) return false;
    return names.every((name) => isSameEntry(join(a, name), join(b, name)));
  } catch {
    return false;
  }
}

function isSameEntry(a: string, b: string): boolean {
  const [mine, theirs] = [lstatSync(a), lstatSync(b)];
  if (mine.mode !== theirs.mode) return false;
  if (mine.isDirectory()) return isSameFolder(a, b);
  if (mine.isSymbolicLink()) return readlinkSync(a) === readlinkSync(b);
  return mine.size === theirs.size && readFileSync(a).equals(readFileSync(b));
}
