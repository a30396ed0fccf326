import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';

/** The path, or a folder above it, that somebody else than root and we can write; a sticky folder above (/tmp) is fine. */
export function writableBy(path: string): string | undefined {
  const us = process.getuid?.() ?? 0;
  for (let here = path; ; here = dirname(here)) {
    const stat = lstatSync(here);
    const sticky = here !== path && stat.isDirectory() && (stat.mode & 0o1000) !== 0;
    // The mode of a symbolic link means nothing.
    const open = !stat.isSymbolicLink() && (stat.mode & 0o022) !== 0 && !sticky;
    if (open || (stat.uid !== 0 && stat.uid !== us)) return here;
    if (dirname(here) === here) return undefined;
  }
}
