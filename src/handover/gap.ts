import { beganAt, statOf } from '../host/procfs.ts';
import type { Gap } from '../model.ts';

/** ms; a process begins on a tick of the kernel's clock, a hundredth of a second. */
export function gapOf(gone: number, pid: number, ready: number): Gap | undefined {
  const stat = statOf(pid);
  if (stat === undefined) return undefined;
  const began = beganAt(stat) - (Date.now() - performance.now());
  return { process: Math.max(0, Math.round(began - gone)), ready: Math.max(0, Math.round(ready - gone)) };
}
