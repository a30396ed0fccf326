import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ServiceId } from '../../model.ts';
import type { Link } from './link.ts';
import type { ProcessInfo } from './rpc.ts';
import { STATE } from './runs.ts';

/** Bytes. What happened a moment ago is in the last of them. */
const LAST = 16_384;

/**
 * With which code each program ended, where that is the last that happened to it, by the end of a supervisord's log: of what
 * ends before it is up for its time, supervisord tells nobody (supervisor.process: Subprocess.finish).
 */
export function exitsIn(text: string): ReadonlyMap<ServiceId, number> {
  const found = new Map<ServiceId, number>();
  // `2026-11-28 20:40:40,123 WARN exited: web (exit status 78; not expected)`, `… INFO spawned: 'web' with pid 812`
  for (const [, name = '', code] of text.matchAll(
    /^\S+ \S+ \w+ (?:exited|spawned|stopped): '?([^\s']+)'? \(?(?:exit status (\d+);)?/gm,
  )) {
    if (code === undefined) found.delete(name);
    else found.set(name, Number(code));
  }
  return found;
}

/** With which code one that has no process ended; undefined where that was a signal, or nothing is known of it. */
export function exitCodeOf({ place }: Link, { name, state, exitstatus, spawnerr }: ProcessInfo): number | undefined {
  if (state === STATE.exited) return exitstatus < 0 ? undefined : exitstatus;
  const failed = state === STATE.backoff || state === STATE.fatal;
  if (!failed || !spawnerr.startsWith('Exited too quickly') || place.log === undefined) return undefined;
  return exitsIn(endOf(place.log) ?? '').get(name);
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
