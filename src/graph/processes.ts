import { uptime } from 'node:os';
import { cgroupsOf, commandOf, dead, linkOf, listPids, namedStatOf, type ProcessRef, uidOf } from '../host/procfs.ts';
import { userOf } from './accounts.ts';

/** A living process, as it was when the table was taken; what is dear is read when it is first asked for. */
export interface Process extends ProcessRef {
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  /** The kernel's name for it: of its program or script when that began, in 15 bytes. Unknown of the first process. */
  readonly comm: string | undefined;
  /** Empty for kernel threads. */
  readonly argv: readonly string[];
  /** Undefined, as what follows, where it is gone since or we may not look. */
  readonly exe: string | undefined;
  readonly cwd: string | undefined;
  readonly uid: number | undefined;
  /** By /etc/passwd; undefined where it has no such name. */
  readonly user: string | undefined;
  readonly cgroups: readonly string[] | undefined;
}

/** All living processes of one moment, but the kernel's own threads. */
export interface Processes extends Iterable<Process> {
  get(pid: number): Process | undefined;
  childrenOf(pid: number): readonly Process[];
  /** Its parent, that one's parent and so on, up to and with the first process of all. */
  ancestorsOf(pid: number): readonly Process[];
}

/** What a process is at its birth it is not for long: it becomes another program. */
const SETTLED = 2000;

interface Known {
  readonly start: number;
  readonly comm: string;
  readonly argv: readonly string[];
}

/** Takes tables of the processes of this host; arguments are remembered from one to the next, as they cost most. */
export function createProcessTable(): () => Processes {
  let known = new Map<number, Known>();
  return () => {
    const now = uptime() * 1000;
    const next = new Map<number, Known>();
    const found = new Map<number, Process>();
    for (const pid of listPids()) {
      const stat = namedStatOf(pid);
      if (pid === 1) found.set(pid, first());
      // Children of the second process are the kernel's.
      if (stat === undefined || dead(stat) || stat.ppid === 2 || isKernel(stat)) continue;
      const before = known.get(pid);
      const same = before !== undefined && before.start === stat.start && before.comm === stat.comm;
      if (same) next.set(pid, before);
      const keep = (argv: readonly string[]) => {
        if (now - stat.start * 10 > SETTLED) next.set(pid, { start: stat.start, comm: stat.comm, argv });
      };
      found.set(pid, new Living(stat, same ? before.argv : undefined, keep));
    }
    known = next;
    return new Table(found);
  };
}

/** The table of now. */
export function takeProcesses(): Processes {
  return createProcessTable()();
}

function isKernel({
  pid,
  comm,
  ppid,
}: {
  readonly pid: number;
  readonly comm: string;
  readonly ppid: number;
}): boolean {
  return pid === 2 && ppid === 0 && comm === 'kthreadd';
}

function first(): Process {
  return new Living({ pid: 1, start: 0, ppid: 0, pgrp: 1, session: 1, comm: undefined }, undefined, () => {});
}

type Stat = Pick<Process, 'pid' | 'start' | 'ppid' | 'pgrp' | 'session' | 'comm'>;

class Living implements Process {
  readonly pid: number;
  readonly start: number;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  readonly comm: string | undefined;
  readonly #keep: (argv: readonly string[]) => void;
  #argv: readonly string[] | undefined;
  #exe: { readonly value: string | undefined } | undefined;
  #cwd: { readonly value: string | undefined } | undefined;
  #uid: { readonly value: number | undefined } | undefined;
  #cgroups: { readonly value: readonly string[] | undefined } | undefined;

  constructor(stat: Stat, argv: readonly string[] | undefined, keep: (argv: readonly string[]) => void) {
    this.pid = stat.pid;
    this.start = stat.start;
    this.ppid = stat.ppid;
    this.pgrp = stat.pgrp;
    this.session = stat.session;
    this.comm = stat.comm;
    this.#argv = argv;
    this.#keep = keep;
  }

  get argv(): readonly string[] {
    if (this.#argv === undefined) {
      this.#argv = commandOf(this.pid);
      this.#keep(this.#argv);
    }
    return this.#argv;
  }

  get exe(): string | undefined {
    this.#exe ??= { value: linkOf(this.pid, 'exe') };
    return this.#exe.value;
  }

  get cwd(): string | undefined {
    this.#cwd ??= { value: linkOf(this.pid, 'cwd') };
    return this.#cwd.value;
  }

  get uid(): number | undefined {
    this.#uid ??= { value: uidOf(this.pid) };
    return this.#uid.value;
  }

  get user(): string | undefined {
    return this.uid === undefined ? undefined : userOf(this.uid);
  }

  get cgroups(): readonly string[] | undefined {
    this.#cgroups ??= { value: cgroupsOf(this.pid) };
    return this.#cgroups.value;
  }
}

class Table implements Processes {
  readonly #all: ReadonlyMap<number, Process>;
  #children: ReadonlyMap<number, readonly Process[]> | undefined;

  constructor(all: ReadonlyMap<number, Process>) {
    this.#all = all;
  }

  get(pid: number): Process | undefined {
    return this.#all.get(pid);
  }

  childrenOf(pid: number): readonly Process[] {
    this.#children ??= Map.groupBy(this.#all.values(), ({ ppid }) => ppid);
    return this.#children.get(pid) ?? [];
  }

  ancestorsOf(pid: number): readonly Process[] {
    const chain: Process[] = [];
    let at = this.#all.get(this.#all.get(pid)?.ppid ?? 0);
    // Pids are given anew while the table is read: it may show a circle.
    while (at !== undefined && at.pid !== pid && !chain.includes(at)) {
      chain.push(at);
      at = this.#all.get(at.ppid);
    }
    return chain;
  }

  [Symbol.iterator](): Iterator<Process> {
    return this.#all.values();
  }
}
