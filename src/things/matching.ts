import { dead, type ProcessRef, type ProcessStat } from '../host/procfs.ts';
import { lineOf, treeOf } from '../supervisors/shared/process-tree.ts';

/** What decides whether a process with the right arguments is meant. */
export interface Bearer {
  /** The real user. */
  readonly uid: number;
  /** In a container of its own: what is named there is something else. */
  readonly elsewhere: boolean;
  /**
   * It bears the stamp of a declared service: that is its supervisor's to stop, and nobody else's. Undefined where we may
   * not look.
   */
  readonly stamped: boolean | undefined;
}

export interface Row extends ProcessStat {
  /** Its arguments as the kernel has them, each with a NUL behind it, bytes as Latin-1; '' of kernel threads. */
  readonly cmdline: string;
  /** Of those whose arguments are asked for. */
  readonly bearer?: Bearer;
}

export interface Wanted {
  /** As in a row. */
  readonly cmdline: string;
  /** Of any user, where not said. */
  readonly uid?: number;
}

export interface Match {
  /** Those with exactly these arguments, the oldest first. */
  readonly roots: readonly Row[];
  /** Those of which we may not know whose they are. */
  readonly unknown: readonly Row[];
}

/** Arguments as a row has them. */
export function cmdlineOf(command: readonly string[]): string {
  return Buffer.from(command.map((argument) => `${argument}\0`).join(''), 'utf8').toString('latin1');
}

/**
 * The processes that are meant. All arguments are equal byte for byte: a name, a part of a command line, or arguments that
 * a program has made up for itself are no evidence. Never us (`self`) and who has started us.
 */
export function matchIn(table: readonly Row[], { cmdline, uid }: Wanted, self: number): Match {
  const line = lineOf(table, self);
  const meant = table
    .filter((row) => row.pid > 1 && !dead(row) && !line.has(row.pid))
    .filter((row) => cmdline !== '' && row.cmdline === cmdline)
    .filter(({ bearer }) => bearer !== undefined && !bearer.elsewhere && (uid === undefined || bearer.uid === uid))
    .sort((a, b) => a.start - b.start || a.pid - b.pid);
  return {
    roots: meant.filter(({ bearer }) => bearer?.stamped === false),
    unknown: meant.filter(({ bearer }) => bearer?.stamped === undefined),
  };
}

/**
 * All that is to be signalled for these roots: they and what descends from them, but never us, who has started us, and the
 * processes of a declared service.
 */
export function membersIn(
  table: readonly Row[],
  roots: readonly ProcessRef[],
  self: number,
  isStamped: (row: Row) => boolean,
): readonly Row[] {
  const line = lineOf(table, self);
  return treeOf(table, roots, (row) => row.pid <= 1 || line.has(row.pid) || isStamped(row));
}
