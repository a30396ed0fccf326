import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cmdlineOf, matchIn, membersIn, type Row } from '../../../src/things/matching.ts';

const WEB = cmdlineOf(['/usr/bin/python3', 'web.py']);

function row(pid: number, more: Partial<Row> = {}): Row {
  const bearer = { uid: 0, elsewhere: false, stamped: false };
  return { pid, start: pid, state: 'S', ppid: 1, pgrp: pid, session: pid, cmdline: WEB, bearer, ...more };
}

const pids = (rows: readonly Row[]) => rows.map(({ pid }) => pid);
const match = (table: readonly Row[], uid?: number, self = 999) =>
  matchIn(table, { cmdline: WEB, ...(uid === undefined ? {} : { uid }) }, self);
const members = (table: readonly Row[], roots: readonly { pid: number; start: number }[], self = 999) =>
  membersIn(table, roots, self, ({ bearer }) => bearer?.stamped === true);

describe('which processes are meant', () => {
  it('takes equal arguments alone: all of them, none more, byte for byte', () => {
    const others = [
      ['/usr/bin/python3', 'web.py', ''],
      ['/usr/bin/python3'],
      ['/usr/bin/python3', 'web.pyc'],
      ['/usr/bin/python3 web.py'],
      ['python3', 'web.py'],
      ['/usr/bin/python3', '', 'web.py'],
    ];
    const table = [row(5), ...others.map((command, i) => row(10 + i, { cmdline: cmdlineOf(command) }))];
    expect(pids(match(table).roots)).toEqual([5]);
  });

  it('does not take arguments that end without a NUL: a title that the program gave itself', () => {
    expect(match([row(5, { cmdline: WEB.slice(0, -1) })]).roots).toEqual([]);
  });

  it('compares bytes, not characters', () => {
    const latin = cmdlineOf(['/bin/caf\u00e9']);
    expect(latin).toBe('/bin/caf\u00c3\u00a9\0');
  });

  it('takes nothing for an empty command: kernel threads have none', () => {
    expect(matchIn([row(2, { cmdline: '' })], { cmdline: cmdlineOf([]) }, 999).roots).toEqual([]);
  });

  it('leaves those of other users where one is named', () => {
    const theirs = row(6, { bearer: { uid: 1000, elsewhere: false, stamped: false } });
    expect(pids(match([row(5), theirs], 1000).roots)).toEqual([6]);
  });

  it('leaves the dead, those in containers, those of declared services, ourselves and who started us', () => {
    const table = [
      row(5, { state: 'Z' }),
      row(6, { bearer: { uid: 0, elsewhere: true, stamped: false } }),
      row(7, { bearer: { uid: 0, elsewhere: false, stamped: true } }),
      row(8),
      row(9, { ppid: 8 }),
      row(10),
    ];
    expect(pids(match(table, undefined, 9).roots)).toEqual([10]);
  });

  it('tells which ones it may not look at, but not those of another user than is meant', () => {
    const closed = row(5, { bearer: { uid: 1000, elsewhere: false, stamped: undefined } });
    expect(pids(match([closed]).unknown)).toEqual([5]);
    expect(match([closed], 0)).toEqual({ roots: [], unknown: [] });
  });
});

describe('what is signalled', () => {
  it('is a root with all that descends from it, the root first', () => {
    const table = [row(5), row(6, { ppid: 7, start: 8 }), row(7, { ppid: 5 }), row(8, { ppid: 1 })];
    expect(pids(members(table, [{ pid: 5, start: 5 }]))).toEqual([5, 7, 6]);
  });

  it('is who stayed in the session of a root, though its parent has ended', () => {
    const table = [row(5), row(6, { session: 5 }), row(7, { pgrp: 5 })];
    expect(pids(members(table, [{ pid: 5, start: 5 }]))).toEqual([5, 6]);
  });

  it('is nobody in a session that a root is only a guest in', () => {
    const table = [row(4), row(5, { ppid: 4, session: 4 }), row(6, { ppid: 4, session: 4 })];
    expect(pids(members(table, [{ pid: 5, start: 5 }]))).toEqual([5]);
  });

  it('is not who has the pid of one that has ended', () => {
    expect(members([row(5, { start: 50 }), row(6, { ppid: 5, start: 60 })], [{ pid: 5, start: 5 }])).toEqual([]);
  });

  it('is not the process of a declared service, nor what that has started', () => {
    const stamped = row(6, { ppid: 5, bearer: { uid: 0, elsewhere: false, stamped: true } });
    const table = [row(5), stamped, row(7, { ppid: 6 })];
    expect(pids(members(table, [{ pid: 5, start: 5 }]))).toEqual([5]);
  });
});

/** A process of a model of the kernel, which knows what a table of processes does not tell: who descends from whom. */
interface Process {
  readonly pid: number;
  readonly start: number;
  readonly line: ReadonlySet<Process>;
  ppid: number;
  session: number;
  pgrp: number;
  cmdline: string;
  uid: number;
  stamped: boolean;
  zombie: boolean;
}

const COMMANDS = [WEB, cmdlineOf(['/usr/bin/python3', 'web.py', '-v']), cmdlineOf(['sh'])];
const PIDS = 14;

/** Forks, new programs, sessions and ends as Linux has them; few pids, so that they come again soon. */
class Kernel {
  readonly living = new Map<number, Process>();
  #now = 10;
  #last = 2;

  constructor() {
    const first = { line: new Set<Process>(), ppid: 1, uid: 0, stamped: false, zombie: false };
    for (const pid of [2, 3]) {
      this.living.set(pid, { ...first, pid, start: pid, session: pid, pgrp: pid, cmdline: COMMANDS[2] ?? '' });
    }
  }

  at(i: number): Process | undefined {
    const all = [...this.living.values()].filter(({ zombie }) => !zombie);
    return all[i % Math.max(1, all.length)];
  }

  fork(parent: Process): void {
    const pid = this.#free();
    if (pid === undefined) return;
    const line = new Set([...parent.line, parent]);
    this.living.set(pid, { ...parent, pid, start: this.#now, ppid: parent.pid, line });
  }

  end(process: Process): void {
    process.zombie = true;
    for (const child of this.living.values()) {
      if (child.ppid !== process.pid) continue;
      child.ppid = 1;
      if (child.zombie) this.living.delete(child.pid);
    }
    if (process.ppid === 1) this.living.delete(process.pid);
  }

  /** A process and who it descends from, as far as these live. */
  above(pid: number): Process[] {
    const process = this.living.get(pid);
    return process === undefined ? [] : [process, ...this.above(process.ppid)];
  }

  reap(): void {
    for (const process of this.living.values()) if (process.zombie) this.living.delete(process.pid);
  }

  tick(): void {
    this.#now += 1;
  }

  table(): Row[] {
    return [...this.living.values()].map(({ zombie, uid, stamped, line: _, ...each }) => ({
      ...each,
      cmdline: zombie ? '' : each.cmdline,
      state: zombie ? 'Z' : 'S',
      bearer: { uid, elsewhere: false, stamped },
    }));
  }

  /** A pid is not given to another while it names a process, a session or a group. */
  #free(): number | undefined {
    for (let i = 1; i <= PIDS; i += 1) {
      const pid = 2 + ((this.#last - 2 + i) % PIDS);
      const isUsed = [...this.living.values()].some((p) => p.pid === pid || p.session === pid || p.pgrp === pid);
      if (isUsed) continue;
      // To go round all pids takes longer than a tick of the clock.
      if (pid <= this.#last) this.tick();
      this.#last = pid;
      return pid;
    }
    return undefined;
  }
}

const who = fc.nat(30);
const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('fork' as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('exec' as const), who, command: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('setsid' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('group' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), who, other: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('user' as const), who, uid: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stamp' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reap' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function run(kernel: Kernel, each: Operation): void {
  if (each.do === 'tick') kernel.tick();
  else if (each.do === 'reap') kernel.reap();
  else {
    const process = kernel.at(each.who);
    if (process !== undefined) runAs(kernel, process, each);
  }
}

function runAs(kernel: Kernel, process: Process, each: Extract<Operation, { who: number }>): void {
  switch (each.do) {
    case 'fork':
      kernel.fork(process);
      break;
    case 'end':
      kernel.end(process);
      break;
    case 'exec':
      process.cmdline = COMMANDS[each.command] ?? '';
      break;
    case 'setsid':
      if (process.pgrp !== process.pid) process.session = process.pgrp = process.pid;
      break;
    case 'group':
      if (process.session !== process.pid) process.pgrp = process.pid;
      break;
    case 'join': {
      // As a shell does with the parts of a pipeline.
      const other = kernel.at(each.other);
      if (other?.session === process.session && process.session !== process.pid) process.pgrp = other.pgrp;
      break;
    }
    case 'user':
      process.uid = each.uid;
      break;
    case 'stamp':
      process.stamped = true;
  }
}

it('never signals who is innocent, whatever is forked, ends and comes again under the same pid', () => {
  const operations = fc.array(operation, { minLength: 10, maxLength: 60 });
  let signalled = 0;
  fc.assert(
    fc.property(
      operations,
      fc.array(fc.array(operation, { maxLength: 12 })),
      who,
      fc.nat(1),
      (before, rounds, us, uid) => {
        const kernel = new Kernel();
        for (const each of before) run(kernel, each);
        const self = kernel.at(us)?.pid ?? 2;
        const guarded = kernel.above(self);
        const table = kernel.table();
        const { roots } = matchIn(table, { cmdline: WEB, uid }, self);
        const meant = roots.map(({ pid }) => kernel.living.get(pid) as Process);
        for (const each of meant) {
          expect([each.cmdline, each.uid, each.stamped, each.zombie]).toEqual([WEB, uid, false, false]);
          expect(guarded).not.toContain(each);
        }
        // As a stop does: what was found once is known, and what descends from it is looked for again and again.
        let known: readonly { pid: number; start: number }[] = roots;
        for (const round of rounds) {
          const now = kernel.table();
          const guarded = kernel.above(self);
          const found = membersIn(now, known, self, ({ bearer }) => bearer?.stamped === true);
          for (const { pid, start } of found) {
            const process = kernel.living.get(pid) as Process;
            signalled += 1;
            expect([process.start, process.zombie, process.stamped]).toEqual([start, false, false]);
            expect(guarded).not.toContain(process);
            expect(meant.some((root) => root === process || process.line.has(root))).toBe(true);
          }
          const seen = new Set(found.map(({ pid }) => pid));
          for (const process of kernel.living.values()) {
            // Whoever is a child of one that is found is found, unless it is nobody's to signal.
            if (seen.has(process.ppid) && !process.zombie && !process.stamped && !guarded.includes(process)) {
              expect(seen).toContain(process.pid);
            }
          }
          known = [...known, ...found.map(({ pid, start }) => ({ pid, start }))];
          for (const each of round) if (kernel.at('who' in each ? each.who : 0)?.pid !== self) run(kernel, each);
        }
      },
    ),
    { numRuns: 1500 },
  );
  expect(signalled).toBeGreaterThan(100);
});
