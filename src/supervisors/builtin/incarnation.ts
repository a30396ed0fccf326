import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf, lives, type ProcessRef, type ProcessStat, statOf, variableOf } from '../../host/procfs.ts';
import type { Exit } from '../../model.ts';
import { parseStamp, STAMP, type Stamp } from '../../stamp.ts';
import { UNKNOWN } from '../shared/exit.ts';
import type { Settings } from '../shared/settings.ts';
import { FIFO, isHeld, listen, readExit, readPid } from './fifo.ts';
import type { ServiceRecord } from './record.ts';
import type { Identity, Scanner } from './scan.ts';
import { remainsOf, signalTo } from './tree.ts';

type Main = NonNullable<ServiceRecord['main']>;

export interface Place {
  readonly folder: string;
  readonly identity: Identity;
  readonly scanner: Scanner;
  readonly stop: () => Settings['stop'];
}

export interface IncarnationListener {
  /** Its main process is there. */
  readonly up: () => void;
  /** Its shim was killed: it lives, but how it ends will not be seen. */
  readonly unseen: (pid: number) => void;
  /** All of it is gone. Called once, and never after `close`. */
  readonly over: (exit: Exit) => void;
}

/** How often (ms) to look at a process that has lost its shim, or at a pid file; more often while it is stopping. */
const LOOK = 1000;
const LOOK_CLOSELY = 20;

/** Is a group gone, or within a moment? The shim is the last of it, until its parent has buried it. */
async function emptied(group: number): Promise<boolean> {
  for (let wait = 0; wait < 4; wait += 1) {
    if (!signalTo(-group, 0)) return true;
    await sleep(wait);
  }
  return false;
}

/** One start of a service: its shim, its main process and whatever descends from them, from the first to the last. */
export class Incarnation {
  readonly #place: Place;
  readonly #listener: IncarnationListener;
  #main: Main | undefined;
  #shim: ProcessRef | undefined;
  /** The hash it was started from, where we started it. */
  #hash: string | undefined;
  #listening: { close(): void } | undefined;
  #look: NodeJS.Timeout | undefined;
  #stopping = false;
  #closed = false;
  #killed = false;
  /** Its tree when it was asked to stop: a parent's death hides who descends from whom. */
  #tree: readonly ProcessRef[] = [];

  constructor(place: Place, listener: IncarnationListener) {
    this.#place = place;
    this.#listener = listener;
  }

  get main(): Main | undefined {
    return this.#main;
  }

  /** The shim, alive or not; its pid is the session and process group. */
  get shim(): ProcessRef | undefined {
    return this.#shim;
  }

  /** Its shim was just spawned for us. */
  born(pid: number, hash: string): void {
    this.#shim = statOf(pid);
    this.#hash = hash;
    if (this.#shim !== undefined) this.#place.scanner.know(this.#shim, this.#stamp(hash));
    this.#attach();
  }

  /** It was found living; `group` is its shim's number. */
  found(main: Main, group: number | undefined): void {
    this.#main = main;
    this.#shim = group === undefined ? undefined : { pid: group, start: statOf(group)?.start ?? 0 };
    this.#attach();
    this.#recognise();
  }

  /** Its shim was found, without a command. */
  between(): void {
    this.#attach();
    this.#awaitPid();
  }

  /** It ended unwatched: only what it left is to be cleared away. */
  ended(exit: Exit): void {
    void this.#clear(exit, undefined);
  }

  close(): void {
    this.#closed = true;
    this.#place.scanner.discount(this);
    this.#listening?.close();
    clearTimeout(this.#look);
  }

  /** Asks it to stop; where its command is not there yet, as soon as it is. */
  ask(): void {
    this.#stopping = true;
    this.#place.scanner.discount(this);
    const [main, shim] = [this.#main, this.#shim];
    const { signal, tree } = this.#place.stop();
    if (main === undefined) return;
    if (!tree || shim === undefined) {
      signalTo(main.pid, signal);
      return;
    }
    if (!lives(main)) return;
    this.#tree = [main, ...descendantsOf(main.pid)];
    signalTo(-shim.pid, signal);
    // It may have made itself the head of another session.
    if (statOf(main.pid)?.pgrp !== shim.pid) signalTo(main.pid, signal);
    if (this.#listening === undefined) this.#watchOrphan(main);
  }

  /** Kills all of it: group, session, descendants, and whoever bears its stamp; or the main process alone. */
  async kill(): Promise<void> {
    this.#killed = true;
    const main = this.#main;
    if (!this.#place.stop().tree) {
      if (main !== undefined && lives(main)) signalTo(main.pid, 'SIGKILL');
      return;
    }
    const known = main === undefined ? this.#tree : [...this.#tree, main];
    const left = remainsOf(await this.#place.scanner.loose(), this.#place.identity, this.#shim?.pid, known);
    if (!this.#closed) for (const { pid } of left) signalTo(pid, 'SIGKILL');
  }

  /** Listens to the shim: by its FIFO, and where that is another's (the folder was made anew), by its own descriptor. */
  #attach(): void {
    const shim = this.#shim;
    const fifo = join(this.#place.folder, FIFO);
    const path = isHeld(fifo) || shim === undefined || !lives(shim) ? fifo : `/proc/${shim.pid}/fd/3`;
    try {
      this.#listening = listen(path, { pid: (stat) => this.#up(stat), end: (exit) => this.#end(exit) });
    } catch {
      queueMicrotask(() => this.#end(undefined));
    }
  }

  #up(stat: ProcessStat): void {
    if (this.#main?.pid === stat.pid && this.#main.start === stat.start) return;
    const { pid, start, pgrp } = stat;
    const hash = this.#hash ?? parseStamp(variableOf(pid, STAMP) ?? '')?.hash;
    this.#main = { pid, start, since: Date.now(), hash };
    if (this.#shim?.pid !== pgrp) this.#shim = { pid: pgrp, start: statOf(pgrp)?.start ?? 0 };
    this.#recognise();
    // Asked for before it was there.
    if (this.#killed) void this.kill();
    else if (this.#stopping) this.ask();
    this.#listener.up();
  }

  /** Where the line with the pid went to somebody who is no more, its file has it. */
  #awaitPid(): void {
    this.#look = setTimeout(() => {
      const stat = readPid(this.#place.folder);
      if (stat !== undefined && lives(stat)) this.#up(stat);
      else if (this.#listening !== undefined && this.#main === undefined) this.#awaitPid();
    }, LOOK_CLOSELY);
  }

  /** The shim is gone. That is no proof that the service is. */
  #end(told: Exit | undefined): void {
    if (this.#closed) return;
    this.#place.scanner.discount(this);
    this.#listening = undefined;
    clearTimeout(this.#look);
    const exit = told ?? readExit(this.#place.folder);
    const written = this.#main === undefined && exit === undefined ? readPid(this.#place.folder) : undefined;
    if (written !== undefined && lives(written)) this.#up(written);
    if (exit === undefined && this.#main !== undefined && lives(this.#main)) {
      this.#listener.unseen(this.#main.pid);
      this.#watchOrphan(this.#main);
    } else void this.#clear(exit ?? UNKNOWN, this.#shim?.pid);
  }

  #watchOrphan(main: ProcessRef): void {
    clearTimeout(this.#look);
    this.#look = setTimeout(
      () => (lives(main) ? this.#watchOrphan(main) : void this.#clear(UNKNOWN, this.#shim?.pid)),
      this.#stopping ? LOOK_CLOSELY : LOOK,
    );
  }

  /**
   * The main process is gone: before that counts, nothing of its tree may be left. Usually nothing is, and then nothing
   * here waits: a crash is on its way to the next start. `group` only where its head was seen alive by us.
   */
  async #clear(exit: Exit, group: number | undefined): Promise<void> {
    if (this.#place.stop().tree) {
      const empty = group !== undefined && (await emptied(group));
      if (!empty || this.#stopping) await this.#clearTree(empty ? undefined : group);
    }
    this.#over(exit);
  }

  async #clearTree(group: number | undefined): Promise<void> {
    const asked = new Set<number>();
    for (let wait = 2; !this.#closed; wait = Math.min(wait * 2, 200)) {
      const left = remainsOf(await this.#place.scanner.loose(), this.#place.identity, group, this.#tree);
      if (left.length === 0) return;
      // While it is stopping they get their time too, after a crash not.
      for (const { pid } of left) {
        if (!this.#stopping) signalTo(pid, 'SIGKILL');
        else if (!asked.has(pid)) signalTo(pid, this.#place.stop().signal);
        asked.add(pid);
      }
      await sleep(wait);
    }
  }

  #over(exit: Exit): void {
    if (this.#closed) return;
    this.close();
    this.#listener.over(exit);
  }

  /** Spares the next look at /proc the reading of these environments, and others' looks these processes. */
  #recognise(): void {
    if (this.#main !== undefined && this.#shim !== undefined && this.#listening !== undefined && !this.#stopping) {
      this.#place.scanner.account(this, [this.#main.pid, this.#shim.pid]);
    }
    if (this.#main?.hash === undefined) return;
    const stamp = this.#stamp(this.#main.hash);
    this.#place.scanner.know(this.#main, stamp);
    if (this.#shim !== undefined) this.#place.scanner.know(this.#shim, stamp);
  }

  #stamp(hash: string): Stamp {
    const { owner, id } = this.#place.identity;
    const [service = '', instance = ''] = id.split('@');
    return { owner, service, instance, hash };
  }
}
