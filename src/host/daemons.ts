import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Holder, readHolder } from './lock.ts';
import { commandOf, isOnThisHost, linkOf, listPids } from './procfs.ts';

/** Is this the command line of a daemon of ours? */
export function isDaemon(argv: readonly string[]): boolean {
  const at = argv.findIndex((arg) => arg.endsWith('/cli.js'));
  return at >= 0 && argv.slice(at + 1).includes('daemon');
}

/** What a daemon wrote into the lock that it holds, and its runtime folder; undefined where we may not look. */
export function heldBy(pid: number): (Holder & { readonly runtimeDir: string }) | undefined {
  try {
    const held = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(pid, `fd/${fd}`) ?? '');
    for (const path of held.filter((one) => one.endsWith('/lock'))) {
      const holder = readHolder(path);
      if (holder?.pid === pid) return { ...holder, runtimeDir: dirname(path) };
    }
  } catch {
    // It has ended, or is another user's.
  }
  return undefined;
}

/** Another daemon on this host that applies the same files. */
export function rivalOf(desiredState: string): (Holder & { readonly runtimeDir: string }) | undefined {
  for (const pid of listPids()) {
    if (pid === process.pid || !isDaemon(commandOf(pid)) || !isOnThisHost(pid)) continue;
    const held = heldBy(pid);
    if (held?.role === 'daemon' && held.desiredState === desiredState) return held;
  }
  return undefined;
}
