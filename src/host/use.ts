import { readFileSync } from 'node:fs';
import { listPids, readWhole } from './procfs.ts';

/** What processes use now. */
export interface Use {
  /** Bytes in memory of each; what they share counts for each. */
  readonly memory: number;
  /** ms of CPU time since they began. */
  readonly cpu: number;
  readonly processes: number;
}

/** Of each of these processes with all that descends from it, but for what is one of these itself. One look at all of /proc. */
export function usesOf(mains: readonly number[]): ReadonlyMap<number, Use> {
  if (mains.length === 0) return new Map();
  const own = new Map<number, Use>();
  const below = new Map<number, number[]>();
  for (const pid of listPids()) {
    const line = readWhole(`/proc/${pid}/stat`);
    if (line === undefined) continue;
    // Behind the name in parentheses, which may hold anything: state, ppid, ...
    const rest = line.slice(line.lastIndexOf(')') + 2).split(' ', 22);
    const [ppid, user, system, pages] = [rest[1], rest[11], rest[12], rest[21]].map(Number);
    own.set(pid, { memory: (pages ?? 0) * pageSize(), cpu: ((user ?? 0) + (system ?? 0)) * TICK, processes: 1 });
    const children = below.get(ppid ?? 0);
    if (children === undefined) below.set(ppid ?? 0, [pid]);
    else children.push(pid);
  }
  const heads = new Set(mains);
  const all = new Map<number, Use>();
  for (const main of heads) {
    const tree = own.has(main) ? [main] : [];
    const sum = { memory: 0, cpu: 0, processes: 0 };
    for (const pid of tree) {
      const { memory = 0, cpu = 0 } = own.get(pid) ?? {};
      sum.memory += memory;
      sum.cpu += cpu;
      sum.processes += 1;
      tree.push(...(below.get(pid) ?? []).filter((child) => !heads.has(child)));
    }
    if (sum.processes > 0) all.set(main, sum);
  }
  return all;
}

/** ms. Linux counts these in hundredths of a second for programs, whatever its own clock. */
const TICK = 10;

let known: number | undefined;

/** As the kernel tells each program when it begins: AT_PAGESZ. */
function pageSize(): number {
  if (known !== undefined) return known;
  known = 4096;
  const words = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= words.length; at += 16) {
    if (words.readBigUInt64LE(at) === 6n) known = Number(words.readBigUInt64LE(at + 8));
  }
  return known;
}
