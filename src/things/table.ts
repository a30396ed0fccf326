import { dead, listPids, type ProcessRef, readWhole, statOf, variablesOf } from '../host/procfs.ts';
import { parseStamp, STAMP } from '../stamp.ts';
import type { Bearer, Row } from './matching.ts';

/** All processes now; arguments, where some are asked for, and who bears them of those alone. */
export function readTable(cmdlines: ReadonlySet<string>): readonly Row[] {
  return listPids().flatMap((pid): Row[] => {
    const stat = statOf(pid);
    if (stat === undefined) return [];
    if (cmdlines.size === 0 || dead(stat)) return [{ ...stat, cmdline: '' }];
    const cmdline = readWhole(`/proc/${pid}/cmdline`, true) ?? '';
    if (!cmdlines.has(cmdline)) return [{ ...stat, cmdline }];
    const bearer = bearerOf(pid);
    // What was read was of one and the same process, if that is there before and after.
    const after = statOf(pid);
    return bearer !== undefined && after?.start === stat.start ? [{ ...after, cmdline, bearer }] : [];
  });
}

/** Does this very process still have these arguments? */
export function isStill({ pid, start }: ProcessRef, cmdline: string): boolean {
  return readWhole(`/proc/${pid}/cmdline`, true) === cmdline && statOf(pid)?.start === start;
}

/** Does it bear the stamp of a declared service? Undefined where we may not look. */
export function isStamped(pid: number): boolean | undefined {
  const variable = variablesOf(pid);
  if (variable === undefined) return undefined;
  const stamp = parseStamp(variable(STAMP) ?? '');
  // A supervisord of ours gives its own stamp to the programs of others.
  const isTheirs = stamp?.service.startsWith('supervisord-') && variable('SUPERVISOR_PROCESS_NAME') !== undefined;
  return stamp !== undefined && !isTheirs;
}

/** Undefined where it is gone. */
function bearerOf(pid: number): Bearer | undefined {
  const status = readWhole(`/proc/${pid}/status`);
  const uid = /^Uid:\s+(\d+)/m.exec(status ?? '')?.[1];
  if (uid === undefined) return undefined;
  // It has a number of its own in each container that it is in.
  const numbers =
    /^NSpid:\s+(.*)$/m
      .exec(status ?? '')?.[1]
      ?.trim()
      .split(/\s+/) ?? [];
  return { uid: Number(uid), elsewhere: numbers.length > 1, stamped: isStamped(pid) };
}
