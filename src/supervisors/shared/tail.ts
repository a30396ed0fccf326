import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { maskText } from '../../secrets.ts';

const REACH = 8192;

export function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : 0;
}

/** The last lines written to a log beyond a position, as they may be shown; undefined where there is none. */
export function tail(path: string, from: number, lines: number): string | undefined {
  try {
    const size = sizeOf(path);
    const start = Math.max(size < from ? 0 : from, size - REACH);
    if (size <= start) return undefined;
    const fd = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(size - start);
      const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start));
      const last = text.trimEnd().split('\n').slice(-lines);
      return last.join('') === '' ? undefined : maskText(last.join('\n'));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
