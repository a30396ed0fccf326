import { readdirSync, statSync } from 'node:fs';
import { readWhole } from '../../host/procfs.ts';
import { formatSize } from '../../units.ts';
import { type Attempt, OVER } from '../attempt.ts';
import type { ProcessTarget } from '../health.ts';

/** From what the kernel keeps at hand: read at once, in a few microseconds. */
export function processAttempt(target: ProcessTarget): Attempt {
  return ({ pid }, done) => {
    done(judge(target, pid()));
    return OVER;
  };
}

function judge({ memory, openFiles }: ProcessTarget, pid: number | undefined): string | undefined {
  if (pid === undefined) return 'it has no process';
  if (memory !== undefined) {
    const used = memoryOf(pid);
    if (used === undefined) return `its process ${pid} is gone`;
    if (used > memory) return `its process uses ${short(used)} of memory, more than ${formatSize(memory)}`;
  }
  if (openFiles !== undefined) {
    const open = openFilesOf(pid);
    if (typeof open === 'string') return open;
    if (open > openFiles) return `its process has ${open} open files, more than ${openFiles}`;
  }
  return undefined;
}

/** Bytes; what the kernel keeps of it in memory, shared pages too. */
function memoryOf(pid: number): number | undefined {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readWhole(`/proc/${pid}/status`) ?? '')?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

function openFilesOf(pid: number): number | string {
  const folder = `/proc/${pid}/fd`;
  try {
    // From Linux 6.2 on the size is their number: to list a hundred thousand takes its time.
    return statSync(folder).size || readdirSync(folder).length;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') return `may not look at the open files of its process ${pid}`;
    return `its process ${pid} is gone`;
  }
}

/** With three digits: `612MiB`. */
function short(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${Number(value.toPrecision(3))}${units[unit]}`;
}
