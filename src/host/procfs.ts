import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';

/** A process beyond doubt within one boot: a pid alone may have been given to another since. */
export interface ProcessRef {
  readonly pid: number;
  /** Clock ticks since boot at which it began: field 22 of /proc/PID/stat. */
  readonly start: number;
}

export interface ProcessStat extends ProcessRef {
  /** One letter; `Z` and `X` are dead. */
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
}

/** Reads into one shared buffer: several times faster than readFileSync, which counts at thousands of processes. */
let buffer = Buffer.allocUnsafe(65_536);

/**
 * A small file of the kernel's; undefined where there is none, or we may not. Bytes as Latin-1. `inPages`: it may be given in
 * several parts, and ends where nothing more comes.
 */
export function readWhole(path: string, inPages = false): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    let length = 0;
    for (;;) {
      const count = readSync(fd, buffer, length, buffer.length - length, null);
      length += count;
      if (count === 0 || (length < buffer.length && !inPages)) return buffer.toString('latin1', 0, length);
      if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
    }
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** A line of /proc/PID/stat; undefined where it is none. The name in parentheses may hold anything, `)` too. */
export function parseStat(line: string): ProcessStat | undefined {
  const pid = Number.parseInt(line, 10);
  const close = line.lastIndexOf(')');
  const rest = line.slice(close + 2, close + 400).split(' ', 20);
  const [state = '', ppid, pgrp, session] = rest;
  const start = Number(rest[19]);
  if (!(pid > 1) || close === -1 || !(start >= 0)) return undefined;
  return { pid, state, ppid: Number(ppid), pgrp: Number(pgrp), session: Number(session), start };
}

/** What the kernel says of a process now; undefined where there is none. */
export function statOf(pid: number): ProcessStat | undefined {
  const line = readWhole(`/proc/${pid}/stat`);
  return line === undefined ? undefined : parseStat(line);
}

/** The same with the name that the kernel has for it, which says little but changes as it becomes another program. */
export function namedStatOf(pid: number): (ProcessStat & { readonly comm: string }) | undefined {
  const line = readWhole(`/proc/${pid}/stat`);
  const stat = line === undefined ? undefined : parseStat(line);
  if (line === undefined || stat === undefined) return undefined;
  return { ...stat, comm: line.slice(line.indexOf('(') + 1, line.lastIndexOf(')')) };
}

/** Is this very process there and not dead? */
export function lives(ref: ProcessRef): boolean {
  const stat = statOf(ref.pid);
  return stat !== undefined && stat.start === ref.start && !dead(stat);
}

export function dead(stat: ProcessStat): boolean {
  return stat.state === 'Z' || stat.state === 'X';
}

export function listPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first >= 48 && first <= 57) pids.push(Number(name));
  }
  return pids;
}

/** The arguments of a process; empty for kernel threads and the dead. Bytes as UTF-8. */
export function commandOf(pid: number): readonly string[] {
  const text = readWhole(`/proc/${pid}/cmdline`);
  if (text === undefined || text === '') return [];
  return Buffer.from(text.replace(/\0$/, ''), 'latin1').toString('utf8').split('\0');
}

/** Who it runs as, by the real user id; undefined where there is none. */
export function uidOf(pid: number): number | undefined {
  const uid = /^Uid:\t(\d+)/m.exec(readWhole(`/proc/${pid}/status`) ?? '')?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** The user who logged in for a process, whoever it runs as by now; undefined where nobody has, as for a unit or cron. */
export function loginOf(pid: number): number | undefined {
  const text = readWhole(`/proc/${pid}/loginuid`)?.trim();
  return text === undefined || text === '' || text === NOBODY ? undefined : Number(text);
}

/** -1 as the kernel writes it. */
const NOBODY = '4294967295';

/** The control groups it is in, a line a hierarchy; undefined where there is none. */
export function cgroupsOf(pid: number): readonly string[] | undefined {
  return readWhole(`/proc/${pid}/cgroup`)?.trimEnd().split('\n');
}

/** What a link of a process leads to (`exe`, `cwd`, `ns/net`, `fd/3`); undefined where there is none, or we may not look. */
export function linkOf(pid: number | 'self', name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}

/** In a container it is another host's: its paths are other files than ours. Where that can't be told, it is on this one. */
export function isOnThisHost(pid: number): boolean {
  const [theirs, ours] = [linkOf(pid, 'ns/pid'), linkOf('self', 'ns/pid')];
  return theirs === undefined || ours === undefined || theirs === ours;
}

/** All that descend from a process now, by asking each for its children: costs what they are, not what the host has. */
export function descendantsOf(pid: number): ProcessStat[] {
  return childPidsOf(pid).flatMap((child) => {
    const stat = statOf(child);
    return stat === undefined ? [] : [stat, ...descendantsOf(child)];
  });
}

/** The children of a process now; each of its threads has those that it made. */
export function childPidsOf(pid: number): number[] {
  let threads: readonly string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return threads.flatMap((thread) => {
    // A list that is made as it is read: a page at a time, some 700 children.
    const text = readWhole(`/proc/${pid}/task/${thread}/children`, true)?.trim() ?? '';
    return text === '' ? [] : text.split(' ').map(Number);
  });
}

/** The value of a variable in the environment a process was started with; undefined where it has none or we may not look. */
export function variableOf(pid: number, name: string): string | undefined {
  return variablesOf(pid)?.(name);
}

/** All of them, read once; undefined where we may not look. */
export function variablesOf(pid: number): ((name: string) => string | undefined) | undefined {
  const text = readWhole(`/proc/${pid}/environ`);
  return text === undefined ? undefined : (name) => valueIn(text, name);
}

/** The names of all of them; none where we may not look. */
export function variableNamesOf(pid: number): readonly string[] {
  const text = readWhole(`/proc/${pid}/environ`) ?? '';
  return text.split('\0').flatMap((each) => (each.includes('=') ? [each.slice(0, each.indexOf('='))] : []));
}

function valueIn(text: string, name: string): string | undefined {
  const head = `${name}=`;
  const at = text.startsWith(head) ? 0 : text.indexOf(`\0${head}`) + 1;
  if (at === 0 && !text.startsWith(head)) return undefined;
  const end = text.indexOf('\0', at);
  return text.slice(at + head.length, end === -1 ? undefined : end);
}

/** Differs after each boot. */
export const bootId: () => string = once(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());

/** The kernel tells it in whole seconds; how long it is up tells the rest, but a container may have an uptime of its own. */
const bootTime = once(() => {
  const seconds = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0) * 1000;
  const exact = Date.now() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  return Math.abs(exact - seconds) < 2000 ? Math.min(Math.max(exact, seconds), seconds + 999) : seconds;
});

/** Linux counts these in hundredths of a second for programs, whatever its own clock. */
const TICK = 10;

/** When a process began, in milliseconds since the epoch. */
export function beganAt(ref: ProcessRef): number {
  return bootTime() + ref.start * TICK;
}

/** The hard limit of open files of this process, which its children inherit. */
export const hardOpenFiles: () => number = once(() => {
  const value = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return value === undefined || value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value);
});

/** What keeps this process from being ended when memory runs out (negative), or does the opposite; 0 where that is not told. */
export const ownOomScore: () => number = once(() => {
  try {
    return Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  } catch {
    return 0;
  }
});

function once<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
