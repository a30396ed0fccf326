import { closeSync, openSync, readSync } from 'node:fs';
import { listPids, lives } from '../host/procfs.ts';
import { deedsOf } from './deeds.ts';
import type { Generation, Job, Samples, Subject, Witness } from './samples.ts';
import { belongs, createReader, isShim, type Look, lookAt, programIn } from './witness.ts';

/**
 * How often (ms) it is asked whether there are new processes. `systemctl --no-block` lives for some 5 ms, a `systemctl restart`
 * for 20 and more; `kill` lives for 1 ms, and is mostly missed.
 */
const TICK = 4;
/** All pids are listed at least that often (ms), whatever the kernel says of the last one. */
const LIST = 50;
/**
 * A new process begins as a copy of its parent and becomes another within a few ms, on a busy host much later: for so long (ms)
 * it is looked at again, each time after twice as long, and at least that often.
 */
const YOUNG = 2000;
const AGAIN = 64;
/** How many jobs and generations are kept; some 2 KB each. */
const KEEP = 2000;
/** The longest time (ms) in which the processes of many subjects are not asked for. */
const LONGEST = 20;

/** Watches what is done to some services. Disposing of it ends it. */
export interface Watch extends AsyncDisposable {
  /** What was seen until now, this very moment too. */
  samples(): Samples;
  /** Watches these from now on. What was seen of others stays seen; what runs of a new one was there before. */
  change(subjects: readonly Subject[]): void;
}

/**
 * Looks at the processes of this host from now on, and keeps those that do something to services, and the main processes of
 * these subjects. Whatever we have started ourselves is none of it.
 *
 * Where little is started it costs 0.6 to 1 of what listing all pids each 5 ms does at a hundred processes (4 to 8 % of a
 * core), 0.7 of it at three hundred, as it lists them a tenth as often; at a hundred new processes a second 1.3 to 3 times that.
 */
export function watch(subjects: readonly Subject[], signal?: AbortSignal): Watch {
  const eye = new Eye(subjects);
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
    eye.end();
  };
  const turn = () => {
    eye.look();
    timer = setTimeout(turn, TICK);
  };
  timer = setTimeout(turn, TICK);
  if (signal?.aborted === true) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  return {
    samples: () => eye.samples(),
    change: (next) => eye.change(next),
    [Symbol.asyncDispose]: async () => {
      signal?.removeEventListener('abort', stop);
      stop();
    },
  };
}

interface Young {
  /** What it was when it was last looked at. */
  readonly argv: string;
  readonly since: number;
  readonly due: number;
  readonly wait: number;
}

type Open<T> = { -readonly [K in keyof T]: T[K] };

/** Tells the last pid that was given to anybody, threads too: where it is what it was, nothing is new. */
class LastPid {
  readonly #fd = openSync('/proc/loadavg', 'r');
  readonly #buffer = Buffer.allocUnsafe(128);

  read(): string {
    const length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0);
    const text = this.#buffer.toString('latin1', 0, length);
    return text.slice(text.lastIndexOf(' ') + 1);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

class Eye {
  #subjects: readonly Subject[];
  readonly #since: number;
  #until: number | undefined;
  #known = new Set<number>();
  /** To be looked at again. */
  readonly #young = new Map<number, Young>();
  readonly #jobs: Open<Job>[] = [];
  readonly #living = new Map<number, Open<Job>>();
  readonly #generations: Open<Generation>[] = [];
  readonly #mains = new Map<string, Open<Generation>>();
  /** Those that may follow the main process: `ExecStartPost=`, another that was up before the first was gone. */
  readonly #candidates = new Map<string, Map<number, Look>>();
  readonly #witnesses = new Map<number, Witness>();
  readonly #lastPid = new LastPid();
  #last: string;
  #listed = 0;
  #looked = now();
  #followed = 0;
  #blind = 0;
  #forgotten = 0;

  constructor(subjects: readonly Subject[]) {
    this.#subjects = subjects;
    for (const { name } of subjects) this.#candidates.set(name, new Map());
    this.#last = this.#lastPid.read();
    const pids = listPids();
    this.#known = new Set(pids);
    // What runs already is a job too: a command that waits for a long stop.
    for (const pid of pids) this.#meet(pid, now());
    this.#follow(now());
    // The first look takes its time, and all that it finds was there before.
    this.#since = now();
    this.#looked = this.#since;
  }

  look(): void {
    const at = now();
    this.#blind = Math.max(this.#blind, at - this.#looked);
    const last = this.#lastPid.read();
    if (last !== this.#last || at - this.#listed > LIST) {
      this.#last = last;
      this.#listed = at;
      this.#list(at);
    }
    for (const [pid, { due }] of this.#young) if (at >= due) this.#meet(pid, at);
    for (const [pid, job] of this.#living) {
      if (lives(job.process)) job.lastSeen = at;
      else this.#living.delete(pid);
    }
    // Whether each of many lives is dear to ask.
    if (at - this.#followed >= Math.min(this.#subjects.length, LONGEST)) this.#follow(at);
    this.#looked = at;
  }

  change(subjects: readonly Subject[]): void {
    const names = new Set(subjects.map(({ name }) => name));
    for (const { name } of this.#subjects) {
      if (names.has(name)) continue;
      this.#candidates.delete(name);
      this.#mains.delete(name);
    }
    const fresh = subjects.filter(({ name }) => !this.#candidates.has(name));
    this.#subjects = subjects;
    if (fresh.length === 0 || this.#until !== undefined) return;
    this.look();
    for (const { name } of fresh) this.#candidates.set(name, new Map());
    for (const pid of this.#known) {
      const look = pid === process.pid ? undefined : lookAt(pid);
      if (look !== undefined) this.#assign(look, fresh);
    }
    this.#follow(now(), this.#since);
  }

  end(): void {
    if (this.#until !== undefined) return;
    this.#until = now();
    this.#lastPid.close();
  }

  samples(): Samples {
    if (this.#until === undefined) {
      this.#followed = 0;
      this.look();
    }
    const until = this.#until ?? now();
    const copies = <T>(all: readonly T[]) => all.map((one) => ({ ...one }));
    return {
      since: this.#since,
      until,
      jobs: copies(this.#jobs),
      generations: copies(this.#generations),
      forgotten: this.#forgotten,
      blind: Math.round(this.#blind),
    };
  }

  #list(at: number): void {
    const pids = new Set(listPids());
    for (const pid of pids) if (!this.#known.has(pid)) this.#meet(pid, at);
    for (const pid of this.#known) if (!pids.has(pid)) this.#witnesses.delete(pid);
    this.#known = pids;
  }

  /** Looks at a process that is new, or may have become another. */
  #meet(pid: number, at: number): void {
    const look = pid === process.pid ? undefined : lookAt(pid);
    const before = this.#young.get(pid);
    this.#young.delete(pid);
    if (look === undefined) return;
    this.#assign(look, this.#subjects);
    const argv = look.argv.join('\0');
    if (before?.argv !== argv) this.#consider(look, at);
    const { since, wait } = before ?? { since: at, wait: TICK / 2 };
    const next = Math.min(wait * 2, AGAIN);
    if (at - since < YOUNG) this.#young.set(pid, { argv, since, due: at + next, wait: next });
  }

  #assign(look: Look, subjects: readonly Subject[]): void {
    const { pid, start } = look;
    const read = createReader();
    for (const { name, handle } of subjects) {
      const main = this.#mains.get(name);
      const candidates = this.#candidates.get(name);
      if (main?.process.pid === pid && main.process.start === start) main.process = witnessOf(look);
      else if (belongs(look, handle, read)) candidates?.set(pid, look);
      else candidates?.delete(pid);
    }
  }

  /** Is it a job? One that was known as another command before (`sh -c "systemctl …"` becomes systemctl) is that one now. */
  #consider(look: Look, at: number): void {
    const deeds = isShim(look.argv) ? [] : deedsOf(look.argv);
    const before = this.#living.get(look.pid);
    if (deeds.length === 0) return;
    if (before !== undefined && before.process.start === look.start) {
      before.process = witnessOf(look);
      before.deeds = deeds;
      return;
    }
    const parents = this.#parentsOf(look);
    if (parents.some(({ pid }) => pid === process.pid)) return;
    // A copy of a shell between fork and exec bears the text of that shell.
    const [parent] = parents;
    if (parent !== undefined && deeds.every(({ inText }) => inText) && isCopy(look, parent)) return;
    const job: Open<Job> = { process: witnessOf(look), deeds, parents, firstSeen: at, lastSeen: at };
    this.#keep(this.#jobs, job);
    this.#living.set(look.pid, job);
  }

  #parentsOf(look: Look): readonly Witness[] {
    const parents: Witness[] = [];
    for (let pid = look.ppid; pid > 1 && parents.length < 32; ) {
      const parent = lookAt(pid);
      if (parent === undefined) break;
      parents.push(this.#remembered(parent));
      pid = parent.ppid;
    }
    return parents;
  }

  /** Kept once: all jobs of one program share their ancestors. */
  #remembered(look: Look): Witness {
    const known = this.#witnesses.get(look.pid);
    const same =
      known !== undefined && known.start === look.start && known.argv.join('\0') === look.argv.join('\0') && known;
    if (same) return same;
    const witness = witnessOf(look);
    this.#witnesses.set(look.pid, witness);
    return witness;
  }

  /** Who is the main process of each subject? It stays so while it lives; then the eldest of the others is. */
  #follow(at: number, since = at): void {
    this.#followed = at;
    for (const [name, candidates] of this.#candidates) {
      const main = this.#mains.get(name);
      if (main !== undefined) {
        if (lives(main.process)) {
          main.lastSeen = at;
          continue;
        }
        main.gone = at;
        this.#mains.delete(name);
        candidates.delete(main.process.pid);
      }
      const next = [...candidates.values()].filter((one) => lives(one)).sort((a, b) => a.start - b.start)[0];
      if (next === undefined) {
        candidates.clear();
        continue;
      }
      const generation: Open<Generation> = {
        subject: name,
        process: witnessOf(lookAt(next.pid) ?? next),
        pgrp: next.pgrp,
        firstSeen: since,
        lastSeen: at,
      };
      this.#keep(this.#generations, generation);
      this.#mains.set(name, generation);
    }
  }

  #keep<T>(all: T[], one: T): void {
    all.push(one);
    if (all.length <= KEEP) return;
    all.shift();
    this.#forgotten += 1;
  }
}

function isCopy(look: Look, parent: Witness): boolean {
  return look.argv.length === parent.argv.length && look.argv.every((word, i) => word === parent.argv[i]);
}

export function witnessOf(look: Look): Witness {
  const { pid, start, argv, comm, uid, group, began } = look;
  const program = programIn(pid)?.name;
  const known = { ...(group === undefined ? {} : { group }), ...(program === undefined ? {} : { program }) };
  return { pid, start, argv, comm, uid, began, ...known };
}

/** Milliseconds since the epoch that never go back. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
