import { dead, type ProcessRef, type ProcessStat, statOf } from '../../host/procfs.ts';

/**
 * The living processes among `seeds` and all that descend from them, from above to below. A process table is no moment: it
 * is read one by one, and a pid may be another's by then. So nobody counts as a child who is older than its parent, and
 * nobody as a seed who began at another time.
 * - Sessions are inherited alone: who is in one that a member leads descends from it, however often its parents ended.
 *   Process groups are not (a pipeline of a shell is one), and are no evidence.
 * - What is spared, and what descends from it, is left out, unless it descends from another member as well.
 */
export function treeOf<T extends ProcessStat>(
  table: readonly T[],
  seeds: readonly ProcessRef[],
  isSpared: (row: T) => boolean,
): readonly T[] {
  const rows = new Map(table.map((row) => [row.pid, row]));
  const below = new Map<number, T[]>();
  const add = (pid: number, row: T) => void (below.get(pid)?.push(row) ?? below.set(pid, [row]));
  for (const row of table) {
    add(row.ppid, row);
    if (row.session !== row.pid && row.session !== row.ppid) add(row.session, row);
  }
  const members = new Set<T>();
  for (const { pid, start } of seeds) {
    const row = rows.get(pid);
    if (row?.start === start && !isSpared(row)) members.add(row);
  }
  // A set goes on to what is added while it is walked.
  for (const member of members) {
    for (const row of below.get(member.pid) ?? []) {
      const descends = row.ppid === member.pid || (row.session === member.pid && member.session === member.pid);
      if (descends && row.start >= member.start && !members.has(row) && !isSpared(row)) members.add(row);
    }
  }
  return [...members].filter((row) => !dead(row));
}

/** A process and all above it, as far as they can be told. */
export function lineOf(table: readonly ProcessStat[], pid: number): ReadonlySet<number> {
  const parents = new Map(table.map((row) => [row.pid, row.ppid]));
  const line = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && !line.has(at); at = parents.get(at)) line.add(at);
  return line;
}

/**
 * Sends a signal to this very process. Between the look and the signal lies no other call, and a pid comes again only when
 * all others have been used.
 */
export function signalExactly(
  { pid, start }: ProcessRef,
  name: NodeJS.Signals,
  isStill: () => boolean = () => true,
): 'sent' | 'gone' | 'denied' {
  const stat = statOf(pid);
  if (stat === undefined || stat.start !== start || dead(stat) || !isStill()) return 'gone';
  try {
    process.kill(pid, name);
    // What was stopped by a signal acts on no other, but on SIGKILL, until it goes on.
    if (stat.state === 'T' && name !== 'SIGKILL') process.kill(pid, 'SIGCONT');
    return 'sent';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'denied' : 'gone';
  }
}
