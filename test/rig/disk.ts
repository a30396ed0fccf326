import { writeFileSync } from 'node:fs';

/** Takes all room of a disk, as a file that is to be removed. */
export function fill(path: string): void {
  for (let size = 1 << 16; size >= 1; size >>= 1) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // Smaller pieces, until not one byte goes in.
    }
  }
}
