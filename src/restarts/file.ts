import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { readIfThere, writeAtomic } from '../host/files.ts';
import { bootId } from '../host/procfs.ts';
import type { Kept } from './book.ts';

const Time = z.number();
const Times = z.array(Time);
const Scope = z.enum(['service', 'group', 'host']);
const Standing = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('closed') }),
  z.object({ kind: z.literal('waiting'), until: Time }),
  z.object({
    kind: z.literal('open'),
    since: Time,
    until: Time,
    scope: Scope,
    reason: z.string(),
    lives: z.boolean(),
  }),
  z.object({ kind: z.literal('trial'), since: Time, scope: Scope, reason: z.string() }),
  z.object({ kind: z.literal('permanent'), since: Time, reason: z.string(), missing: z.boolean() }),
]);
const File = z.object({
  version: z.literal(1),
  /** All below is of this boot. */
  boot: z.string(),
  /** By how much (ms) the times below are ahead of the time since boot. */
  ahead: z.number(),
  accounts: z.record(
    z.string(),
    z.object({ standing: Standing, recent: Times, streak: z.number(), last: Time, restarts: z.number() }),
  ),
  groups: z.record(z.string(), Times),
  host: Times,
});

/**
 * Milliseconds since the epoch, of a clock that never goes back nor leaps, whatever is made of the host's: within one process
 * it goes on from when that began.
 */
export function steadyNow(): number {
  return Math.round(performance.timeOrigin + performance.now());
}

/** By how much (ms) that is ahead of the time since boot, which is the same for all processes. */
function ahead(): number {
  return steadyNow() - Math.round(Number(process.hrtime.bigint()) / 1e6);
}

/**
 * What was counted in this boot, and what to add to its times. What can't be read, or is of another boot or version, is as if
 * nothing had been counted.
 */
export function readKept(path: string): { readonly kept: Kept; readonly shift: number } | undefined {
  try {
    const file = File.parse(JSON.parse(readIfThere(path) ?? 'null'));
    if (file.boot !== bootId()) return undefined;
    return { kept: file, shift: ahead() - file.ahead };
  } catch {
    return undefined;
  }
}

/** Throws what the system call says. */
export function writeKept(path: string, kept: Kept): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeAtomic(path, JSON.stringify({ version: 1, boot: bootId(), ahead: ahead(), ...kept }));
}
