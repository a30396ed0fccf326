import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ServiceId } from '../../model.ts';

/** Bytes. What happened a moment ago is in the last of them. */
const LAST = 16_384;

/**
 * With which code each program ended the last time, by the last lines of a supervisord's log: of what ends before it is up
 * for its time, supervisord tells nobody (supervisor.process: Subprocess.finish).
 */
export function lastExits(log: string | undefined): ReadonlyMap<ServiceId, number> {
  const text = log === undefined ? '' : (endOf(log) ?? '');
  // `2026-11-28 20:40:40,123 WARN exited: web (exit status 78; not expected)`
  const lines = text.matchAll(/^\S+ \S+ \w+ exited: (\S+) \(exit status (\d+);/gm);
  return new Map([...lines].map(([, name = '', code]) => [name, Number(code)]));
}

function endOf(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    const length = Math.min(size, LAST);
    const buffer = Buffer.alloc(length);
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, length, size - length));
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
