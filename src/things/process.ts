import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandOf, type ProcessRef } from '../host/procfs.ts';
import { findUser } from '../host/users.ts';
import { Failure, type Problem } from '../problem.ts';
import { type End, endTree } from '../supervisors/shared/ending.ts';
import { Marks, partsOf } from '../supervisors/shared/taken-marks.ts';
import { attempt, problemOf } from '../supervisors/shared/takings.ts';
import { type Ending, TAKEN_DONE, type Taker, type Taking } from '../supervisors/taker.ts';
import { nameOfThing, type Thing, type ThingState } from '../thing.ts';
import { cmdlineOf, type Match, matchIn, membersIn, type Row, type Wanted } from './matching.ts';
import { shellWords } from './shell-words.ts';
import { isStamped, isStill, readTable } from './table.ts';

export type ProcessThing = Extract<Thing, { kind: 'process' }>;

export interface ProcessTakerOptions {
  readonly runtimeDir: string;
  readonly stateDir: string;
  /** ms. For how long it is watched whether somebody starts it again. */
  readonly watch?: number;
}

/** ms between two looks for what was started again. */
const OFTEN = 20;

/**
 * Takes processes that nobody supervises. Nothing can keep a person from starting one again, and we can't start it as it
 * was: a block is a mark that says that it was taken, and no more. Processes of declared services, by their stamp, are
 * never among them, even where they have the very same arguments: such as those of the service that takes over.
 */
export function createProcessTaker({ runtimeDir, stateDir, watch = 300 }: ProcessTakerOptions): Taker<ProcessThing> {
  const marks = new Marks<ProcessThing>('process', runtimeDir, stateDir);

  /** Resolves to who runs it now. Throws where that can't be told. */
  const find = async (thing: ProcessThing): Promise<Found> => {
    const wanted = await wantedOf(thing);
    if (wanted === undefined) return NOBODY;
    const table = readTable(new Set([wanted.cmdline]));
    return { ...demandKnown(thing, matchIn(table, wanted, process.pid)), table, wanted };
  };

  const restore = async (thing: ProcessThing, start: boolean): Promise<Taking> => {
    const directory = marks.of(thing)?.directory;
    marks.forget(thing);
    if (!start || (await find(thing)).roots.length > 0) return TAKEN_DONE;
    return { kind: 'failed', problem: notOursToStart(thing, directory) };
  };

  return {
    look: async (things) => {
      const table = readTable(new Set(things.map(({ command }) => cmdlineOf(command))));
      const look = async (thing: ProcessThing): Promise<ThingState> => {
        try {
          const mark = marks.of(thing);
          const wanted = await wantedOf(thing);
          const match = wanted === undefined ? NOBODY : demandKnown(thing, matchIn(table, wanted, process.pid));
          if (mark === undefined && match.roots.length === 0) return { kind: 'absent' };
          const processes = membersOf(table, match.roots).map(refOf);
          return { kind: 'there', processes, enabled: false, ...partsOf(mark) };
        } catch (error) {
          return { kind: 'unreadable', problem: problemOf(`cannot look for ${nameOfThing(thing)}`, error) };
        }
      };
      return Promise.all(things.map(look));
    },

    taken: async (owner) => marks.all(owner),

    block: (thing, taken) =>
      attempt(`cannot mark ${nameOfThing(thing)} as taken`, async () => {
        const main = (await find(thing)).roots[0];
        marks.block(thing, taken, main === undefined ? undefined : directoryOf(main.pid));
      }),

    stop: async (thing, timeout, signal) => {
      const cannot = `cannot stop ${nameOfThing(thing)}`;
      try {
        return await stop(thing, timeout, signal, find, watch);
      } catch (error) {
        return { kind: 'failed', problem: problemOf(cannot, error) };
      }
    },

    disable: (thing, taken) =>
      attempt(`cannot mark ${nameOfThing(thing)} as taken`, async () => marks.keep(thing, taken)),

    unblock: (thing) => attempt(`cannot unmark ${nameOfThing(thing)}`, async () => marks.unblock(thing)),

    restore: async (thing, was, start) => {
      try {
        return await restore(thing, start && was.ran);
      } catch (error) {
        return { kind: 'failed', problem: problemOf(`cannot give ${nameOfThing(thing)} back`, error) };
      }
    },
  };
}

interface Found extends Match {
  readonly table: readonly Row[];
  readonly wanted: Wanted;
}

const NOBODY: Found = { roots: [], unknown: [], table: [], wanted: { cmdline: '' } };

/** Ends all of them. Whoever starts it again is outrun once, and named the second time: we fight with nobody. */
async function stop(
  thing: ProcessThing,
  timeout: number,
  signal: AbortSignal,
  find: (thing: ProcessThing) => Promise<Found>,
  watch: number,
): Promise<Ending> {
  let found = await find(thing);
  if (found.roots.length === 0) return { kind: 'gone' };
  for (let round = 1; ; round += 1) {
    const { cmdline } = found.wanted;
    const end = await endTree(found.roots.map(refOf), {
      collect: (known) => membersOf(readTable(NONE), known).map(refOf),
      isStill: (root) => isStill(root, cmdline),
      timeout,
      signal,
    });
    if (end.kind !== 'gone') return { kind: 'failed', problem: notEnded(thing, end) };
    found = await find(thing);
    while (found.roots.length === 0) {
      const left = end.at + watch - performance.now();
      if (left <= 0) return { kind: 'gone', at: end.at };
      if (signal.aborted) return { kind: 'failed', problem: notEnded(thing, { kind: 'interrupted' }) };
      await sleep(Math.min(OFTEN, left));
      found = await find(thing);
    }
    const [again] = found.roots;
    if (round > 1 && again !== undefined) return { kind: 'failed', problem: startedAgain(thing, again) };
  }
}

const NONE: ReadonlySet<string> = new Set();

function membersOf(table: readonly Row[], roots: readonly ProcessRef[]): readonly Row[] {
  return membersIn(table, roots, process.pid, ({ pid }) => isStamped(pid) === true);
}

/** Undefined where there is no such user: nobody runs anything as them. */
async function wantedOf({ command, user }: ProcessThing): Promise<Wanted | undefined> {
  const cmdline = cmdlineOf(command);
  if (user === undefined) return { cmdline };
  const uid = /^\d+$/.test(user) ? Number(user) : (await findUser(user))?.uid;
  return uid === undefined ? undefined : { cmdline, uid };
}

function demandKnown<M extends Match>(thing: ProcessThing, match: M): M {
  const [one] = match.unknown;
  if (one === undefined) return match;
  throw new Failure({
    code: 'process-unreadable',
    summary: `cannot look for ${nameOfThing(thing)}: process ${one.pid} has these arguments, and we may not know whose it is`,
    hint: 'run it as root, or name the user of the process in `supersedes`',
  });
}

function notEnded(thing: ProcessThing, end: Exclude<End, { kind: 'gone' }>): Problem {
  const cannot = `cannot stop ${nameOfThing(thing)}`;
  switch (end.kind) {
    case 'interrupted':
      return { code: 'interrupted', summary: `${cannot}: interrupted before it was gone` };
    case 'denied':
      return {
        code: 'not-permitted',
        summary: `${cannot}: we may not signal process ${end.pid}`,
        hint: 'run it as root',
      };
    case 'alive':
      return {
        code: 'not-gone',
        summary: `${cannot}: still there after SIGKILL: ${end.pids.join(', ')}`,
        hint: `they wait in the kernel, mostly for a disk: cat /proc/${end.pids[0]}/stack`,
      };
  }
}

function startedAgain(thing: ProcessThing, { pid, ppid }: Row): Problem {
  const parent = commandOf(ppid);
  const who = parent.length === 0 ? `process ${ppid}` : `process ${ppid} \`${parent.join(' ')}\``;
  return {
    code: 'started-again',
    summary: `cannot stop ${nameOfThing(thing)}: it was stopped twice, and ${who} has started it again as process ${pid}`,
    hint: 'stop first what starts it again, or name that in `supersedes` too',
  };
}

function notOursToStart(thing: ProcessThing, directory: string | undefined): Problem {
  const line = `setsid nohup ${shellWords(thing.command)} </dev/null >/dev/null 2>&1 &`;
  const as = thing.user === undefined ? '' : `as ${thing.user}: `;
  return {
    code: 'not-ours-to-start',
    summary: `cannot start ${nameOfThing(thing)} again: somebody started it by hand, with what nobody knows now`,
    hint: `start it yourself, ${as}${directory === undefined ? '' : `cd ${shellWords([directory])} && `}${line}`,
  };
}

function directoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function refOf({ pid, start }: Row): ProcessRef {
  return { pid, start };
}
