import { statSync } from 'node:fs';
import { join } from 'node:path';
import { beganAt, bootId, lives, type ProcessRef } from '../../host/procfs.ts';
import type { Exit } from '../../model.ts';
import { UNKNOWN } from '../shared/exit.ts';
import { FIFO, isHeld, readExit, readPid } from './fifo.ts';
import type { ServiceRecord } from './record.ts';

/** What there is of a service's process, whatever its record says of its state. */
export type Reality =
  /** `group` is the shim's pid, whether that lives or not. */
  | { readonly kind: 'living'; readonly main: ProcessRef; readonly group: number; readonly since: number }
  /** A shim is there, and its command not yet, or no longer. */
  | { readonly kind: 'between' }
  | { readonly kind: 'gone'; readonly exit: Exit; readonly at: number | undefined }
  /** Its turn to be launched has not come; where nobody is left who would do it, never will. */
  | { readonly kind: 'unborn' }
  /** The host was booted since. */
  | { readonly kind: 'rebooted' };

/** Looks, in this order, at the recorded process, at what the shim wrote, and at whether there is a shim at all. */
export function realityOf(folder: string, record: ServiceRecord): Reality {
  if (record.boot !== bootId()) return { kind: 'rebooted' };
  const { main, shim } = record;
  if (main !== undefined && lives(main)) {
    return { kind: 'living', main, group: shim?.pid ?? main.pid, since: main.since };
  }
  const written = readPid(folder);
  if (written !== undefined && lives(written)) {
    const { pid, start, pgrp } = written;
    return { kind: 'living', main: { pid, start }, group: pgrp, since: beganAt(written) };
  }
  if (isHeld(join(folder, FIFO))) return { kind: 'between' };
  const at = changedAt(join(folder, 'exit'));
  if (record.machine.state.name === 'STARTING' && !record.started && at === undefined) return { kind: 'unborn' };
  return { kind: 'gone', exit: readExit(folder) ?? UNKNOWN, at };
}

function changedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
