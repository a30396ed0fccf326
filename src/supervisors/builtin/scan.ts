import { uptime } from 'node:os';
import { unguarded } from '../../guard.ts';
import {
  commandOf,
  dead,
  listPids,
  lives,
  type ProcessRef,
  type ProcessStat,
  statOf,
  variablesOf,
} from '../../host/procfs.ts';
import type { ServiceId } from '../../model.ts';
import { parseStamp, STAMP, type Stamp, SUPERVISOR, stampId } from '../../stamp.ts';
import { isShim } from './shim.ts';

/** A living process and the stamp in its environment. */
export interface Seen extends ProcessStat {
  readonly stamp: Stamp | undefined;
}

export type Processes = ReadonlyMap<number, Seen>;

export interface Scanner {
  /** All living processes, as of after this call; all who ask in one turn of the event loop share one look. */
  fresh(): Promise<Processes>;
  /** The same without what running services account for: enough to see what is left of one that does not run. */
  loose(): Promise<Processes>;
  /** These processes are a running service's, seen alive, until `discount`: whoever watches it will hear of their end. */
  account(by: object, pids: readonly number[]): void;
  discount(by: object): void;
  /** All living processes at once; `but` are processes that need no look. */
  take(but?: ReadonlySet<number>): Processes;
  /**
   * The main process of this service among processes never seen before: cheap enough for the way from a crash to the next
   * start. Starts that follow each other closely share one look, but for those of the same service: nobody but us starts
   * services meanwhile.
   */
  newcomer(identity: Identity, command: readonly string[]): Seen | undefined;
  /** This process bears that stamp, as we know without looking. */
  know(ref: ProcessRef, stamp: Stamp | undefined): void;
}

/** A process changes its environment when it becomes another program, which they do soon after their birth. */
const SETTLED = 2000;

/** ms. So long a look is good enough for the starts of many services, */
const SHARED = 50;
/** or so many times as long as it took: on a host with ten thousand processes looks take a fiftieth of the time. */
const TIMES = 50;

/** Looks at /proc; remembers stamps, since reading an environment costs more than all the rest. */
export function createScanner(): Scanner {
  const known = new Map<number, { readonly start: number; readonly stamp: Stamp | undefined }>();
  const accounted = new Map<object, readonly number[]>();
  let last: { readonly until: number; readonly seen: readonly Seen[]; readonly by: Set<ServiceId> } | undefined;

  const look = (pid: number, now: number): Seen | undefined => {
    const stat = statOf(pid);
    if (stat === undefined || dead(stat)) return undefined;
    const before = known.get(pid);
    if (before?.start === stat.start) return { ...stat, stamp: before.stamp };
    // Kernel threads have no environment.
    const variable = stat.ppid === 2 ? undefined : variablesOf(pid);
    const text = variable?.(STAMP);
    // Another supervisor's process bears the same stamp, and is not ours to take back.
    const ours = text !== undefined && variable?.(SUPERVISOR) === undefined;
    const stamp = ours ? parseStamp(text) : undefined;
    if (now - stat.start * 10 > SETTLED) known.set(pid, { start: stat.start, stamp });
    return { ...stat, stamp };
  };

  const take = (but?: ReadonlySet<number>): Processes => {
    const found = new Map<number, Seen>();
    const now = uptime() * 1000;
    for (const pid of listPids()) {
      const seen = but?.has(pid) ? undefined : look(pid, now);
      if (seen) found.set(pid, seen);
    }
    for (const pid of known.keys()) if (!found.has(pid) && !but?.has(pid)) known.delete(pid);
    return found;
  };

  const newcomers = (id: ServiceId): readonly Seen[] => {
    if (last === undefined || performance.now() > last.until || last.by.has(id)) {
      const began = performance.now();
      const now = uptime() * 1000;
      const seen = listPids()
        .filter((pid) => !known.has(pid))
        .flatMap((pid) => look(pid, now) ?? []);
      const ended = performance.now();
      last = { until: ended + Math.max(SHARED, TIMES * (ended - began)), seen, by: new Set() };
    }
    last.by.add(id);
    return last.seen;
  };

  return {
    take,
    fresh: shared(() => take()),
    loose: shared(() => take(new Set([...accounted.values()].flat()))),
    account: (by, pids) => void accounted.set(by, pids),
    discount: (by) => void accounted.delete(by),
    newcomer: (identity, command) => {
      const copy = findMain(newcomers(identity.id), identity, command);
      // It may be what has just ended, and was there when others looked: then it is looked anew.
      return copy === undefined || lives(copy) ? copy : findMain(newcomers(identity.id), identity, command);
    },
    know: ({ pid, start }, stamp) => {
      known.set(pid, { start, stamp });
    },
  };
}

/** All who ask in one turn of the event loop get the answer of one look, taken after the last of them has asked. */
function shared<T>(look: () => T): () => Promise<T> {
  let sharing: Promise<T> | undefined;
  return () => {
    sharing ??= new Promise((resolve) => {
      setImmediate(() => {
        sharing = undefined;
        resolve(look());
      });
    });
    return sharing;
  };
}

export interface Identity {
  readonly owner: string;
  readonly id: ServiceId;
}

export function isOf(seen: Seen, { owner, id }: Identity): boolean {
  return seen.stamp !== undefined && seen.stamp.owner === owner && stampId(seen.stamp) === id;
}

/**
 * Is this the command line of that command? Either exactly, or, where the program is a script, with its interpreter
 * before it: `#!/usr/bin/env node` makes `/opt/x.js a` to `node /opt/x.js a`. A guard is as good as what it comes before.
 */
export function runs(found: readonly string[], defined: readonly string[]): boolean {
  const [line, command] = [unguarded(found), unguarded(defined)];
  const extra = line.length - command.length;
  if (extra < 0 || isShim(line)) return false;
  if (!command.slice(1).every((argument, i) => line[extra + 1 + i] === argument)) return false;
  const program = command[0] ?? '';
  const first = line[extra] ?? '';
  if (extra === 0) return first === program;
  return (first === program && first.includes('/')) || first.endsWith(`/${program.replace(/^(\.\/|\/)/, '')}`);
}

/** A main process of a service among these: its stamp and its exact command, and no shim. */
export function findMain(among: Iterable<Seen>, identity: Identity, command: readonly string[]): Seen | undefined {
  for (const seen of among) {
    if (isOf(seen, identity) && runs(commandOf(seen.pid), command)) return seen;
  }
  return undefined;
}

/** A thousand new services share one look. */
const guessed = new WeakMap<Processes, { readonly owner: string; readonly mains: ReadonlyMap<ServiceId, Seen> }>();

/**
 * Which of the stamped processes without a record are main processes, where the command is not known: the child of a
 * shim, and where its shim is gone too, the oldest of a session that bears the stamp.
 */
export function guessMains(processes: Processes, owner: string): ReadonlyMap<ServiceId, Seen> {
  const before = guessed.get(processes);
  if (before?.owner === owner) return before.mains;
  const mains = new Map<ServiceId, Seen>();
  for (const seen of processes.values()) {
    if (seen.stamp?.owner !== owner) continue;
    const id = stampId(seen.stamp);
    const parent = processes.get(seen.ppid);
    const child = parent !== undefined && isOf(parent, { owner, id });
    if (child && !isShim(commandOf(parent.pid))) continue;
    if (!child && isShim(commandOf(seen.pid))) continue;
    const other = mains.get(id);
    if (other === undefined || child || other.start > seen.start) mains.set(id, seen);
  }
  guessed.set(processes, { owner, mains });
  return mains;
}
