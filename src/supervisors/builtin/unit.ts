import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Monitor } from '../../health/health.ts';
import { beganAt, bootId, lives, type ProcessRef, type ProcessStat, statOf, variableOf } from '../../host/procfs.ts';
import { findUser } from '../../host/users.ts';
import type { Definition, Exit, ServiceId } from '../../model.ts';
import { why } from '../../problem.ts';
import { formatStamp, parseStamp, STAMP } from '../../stamp.ts';
import { environmentOf } from './environment.ts';
import type { BuiltinEvent } from './events.ts';
import { UNKNOWN } from './exit.ts';
import { FIFO, isHeld, listen, makeFifo, readExit, readPid } from './fifo.ts';
import { type Identity, launch, switchUser } from './launch.ts';
import { deadline, type Effect, type Input, NEW, next, type State } from './machine.ts';
import { realityOf } from './reality.ts';
import { folderOf, type ServiceRecord, writeRecord } from './record.ts';
import { findMain, type Processes, type Scanner } from './scan.ts';
import { type Settings, settingsOf } from './settings.ts';
import { remainsOf, signalTo } from './tree.ts';

/** What all units of a supervisor share. */
export interface Surroundings {
  readonly owner: string;
  /** The folder of all services' folders. */
  readonly services: string;
  readonly logDir: string;
  /** Keeps services alive; else only carries out steps. */
  readonly supervise: boolean;
  readonly monitor: Monitor;
  readonly scanner: Scanner;
  readonly emit: (event: BuiltinEvent) => void;
}

/** How often (ms) to look at a process that has lost its shim; while it is stopping, more often. */
const ORPHAN_LOOK = 1000;
const STOPPING_LOOK = 20;

/** Timers of Node end at 2^31 ms. */
const LONGEST = 2 ** 31 - 1;

/**
 * One service: carries out what its state machine decides and tells it what happens. Every transition is persisted after
 * its effect: a record that claims less than what runs is made good by the FIFO and the pid file, which come first.
 */
export class Unit {
  readonly id: ServiceId;
  readonly folder: string;
  readonly #around: Surroundings;
  #record: ServiceRecord;
  #settings: Settings;
  #active: boolean;
  #closed = false;
  #prepared = false;
  #identity: Identity | undefined;
  #child: ChildProcess | undefined;
  #listening: { close(): void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  /** Its tree when it was asked to stop: a parent's death hides who descends from whom. */
  #tree: readonly ProcessRef[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(around: Surroundings, record: ServiceRecord) {
    this.#around = around;
    this.#record = record;
    this.#settings = settingsOf(record.id, record.definition.fields, record.logDir);
    this.#active = around.supervise;
    this.id = record.id;
    this.folder = folderOf(around.services, record.id);
  }

  get record(): ServiceRecord {
    return this.#record;
  }

  get settings(): Settings {
    return this.#settings;
  }

  get state(): State {
    return this.#record.machine.state;
  }

  /** Makes folder and FIFO and finds the user: what must be there before a start, and takes time. */
  async prepare(): Promise<void> {
    if (this.#prepared) return;
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const fifo = join(this.folder, FIFO);
    const { user, group } = this.#settings;
    const [found] = await Promise.all([
      user === undefined ? undefined : findUser(user),
      existsSync(fifo) ? undefined : makeFifo(fifo),
    ]);
    if (user !== undefined && found === undefined) throw new Error(`there is no user '${user}'`);
    this.#identity = user === undefined ? undefined : { user: found, group };
    this.#prepared = true;
  }

  /** A new definition, without touching a process. */
  redefine(definition: Definition, revision: string | undefined): void {
    const probes = JSON.stringify(this.#settings.probes);
    this.#record = { ...this.#record, definition, revision: revision ?? this.#record.revision };
    this.#settings = settingsOf(this.id, definition.fields, this.#record.logDir);
    this.#prepared = false;
    if (this.#record.main !== undefined && JSON.stringify(this.#settings.probes) !== probes) this.#monitor();
    this.#persist();
    this.#arm();
  }

  /** Finds out what there is of it and takes it up from there. */
  resume(processes: Processes): void {
    const reality = realityOf(this.folder, this.#record);
    const { state } = this.#record.machine;
    const process = state.name === 'STARTING' || state.name === 'RUNNING' || state.name === 'STOPPING';
    switch (reality.kind) {
      case 'rebooted':
        this.#set({ boot: bootId(), started: false, machine: NEW, main: undefined, shim: undefined });
        this.#persist();
        return;
      case 'living':
        this.adopt(reality.main, reality.group, reality.since);
        return;
      case 'between':
        if (!process) this.#enter({ name: 'STARTING', since: Date.now(), up: false, trial: false });
        this.#attach();
        this.#awaitPid();
        return;
      case 'gone': {
        const { command } = this.#settings;
        const main = findMain(processes.values(), this.#named(), command);
        if (main !== undefined) this.adopt(main, main.pgrp, beganAt(main));
        else if (!process) this.#arm();
        else if (this.#active) this.#clear(reality.exit, false);
        else if (state.name === 'STOPPING') this.#enter({ name: 'STOPPED' });
        else this.#enter({ name: 'EXITED', exit: reality.exit, at: reality.at ?? Date.now() });
        return;
      }
    }
  }

  /** Takes a living process as this service's. */
  adopt(main: ProcessRef, group: number, since: number): void {
    const before = this.#record.main;
    const same = before?.pid === main.pid && before.start === main.start;
    const stamp = same ? undefined : parseStamp(variableOf(main.pid, STAMP) ?? '');
    const shim = { pid: group, start: statOf(group)?.start ?? 0 };
    this.#set({ boot: bootId(), started: true, main: same ? before : { ...main, since, hash: stamp?.hash }, shim });
    this.#recognise();
    const { state } = this.#record.machine;
    if (state.name === 'STARTING') this.send({ kind: 'up' });
    else if (state.name !== 'STOPPING' && !(same && state.name === 'RUNNING')) this.#enter({ name: 'RUNNING', since });
    else this.#persist();
    this.#attach();
    this.#monitor();
    this.#arm();
    this.#around.emit({ kind: 'adopted', service: this.id, pid: main.pid });
    if (state.name === 'STOPPING') this.#run('signal');
  }

  /** Wanted to run: all counters at zero. `prepare` and a full look for a copy of it were done. */
  start(): void {
    this.#active = true;
    this.send({ kind: 'start' });
  }

  stop(): void {
    this.send({ kind: 'stop' });
    this.#active = this.#around.supervise;
  }

  /** Nobody will try to start it again. */
  giveUp(reason: string): void {
    const { state } = this;
    if (state.name === 'BACKOFF') this.#enter({ name: 'FATAL', at: Date.now(), exit: state.exit, reason });
  }

  /** Lets go of it; its processes are not touched. */
  close(): void {
    this.#closed = true;
    this.#listening?.close();
    this.#around.monitor.forget(this.id);
    clearTimeout(this.#timer);
    clearTimeout(this.#look);
    this.#notify();
  }

  /** Resolves once its state is as asked for, on abort, and when it is closed. */
  async until(reached: (state: State) => boolean, signal: AbortSignal): Promise<void> {
    while (!reached(this.state) && !signal.aborted && !this.#closed) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#waiting.add(done);
        signal.addEventListener('abort', done);
      });
    }
  }

  send(input: Input, now = Date.now()): void {
    if (this.#closed) return;
    const from = this.state;
    const { machine, effect } = next(this.#record.machine, input, this.#settings.rules, now);
    if (machine === this.#record.machine) return;
    this.#set({ machine });
    if (effect !== undefined) this.#run(effect);
    this.#persist();
    this.#arm();
    this.#tell(from, input);
    this.#notify();
  }

  #run(effect: Effect): void {
    switch (effect) {
      case 'spawn':
        this.#spawn();
        return;
      case 'signal':
        void this.#signal();
        return;
      case 'kill':
        void this.#kill();
        return;
    }
  }

  /** On the way from a crash to the next start: nothing here may wait, but for what was lost since. */
  #spawn(retry = true): void {
    const { definition, started, boot } = this.#record;
    if (!this.#prepared) {
      void this.prepare().then(
        () => this.#still('STARTING') && this.#spawn(),
        (error: unknown) => this.#failed(why(error)),
      );
      return;
    }
    const identity = { owner: this.#around.owner, id: this.id };
    const copy = isHeld(join(this.folder, FIFO))
      ? 'held'
      : findMain(this.#around.scanner.newcomers(), identity, this.#settings.command);
    if (copy !== undefined) {
      // Somebody has started it: taken as it is, never doubled.
      queueMicrotask(() =>
        copy === 'held' ? this.resume(this.#around.scanner.take()) : this.adopt(copy, copy.pgrp, Date.now()),
      );
      return;
    }
    try {
      const stamp = { ...identity, hash: definition.hash };
      const environment = environmentOf(this.#settings, this.#identity?.user, stamp);
      const child = launch(this.folder, this.#settings, this.#identity, environment, this.#record.logDir);
      child.once('error', (error) => this.#failed(`in ${this.#settings.directory}: ${why(error)}`));
      if (child.pid === undefined) return;
      this.#child = child;
      if (!started || boot !== bootId()) this.#set({ started: true, boot: bootId() });
      this.#attach(definition.hash);
    } catch (error) {
      if (retry && !existsSync(join(this.folder, FIFO))) {
        this.#prepared = false;
        this.#spawn(false);
      } else queueMicrotask(() => this.#failed(why(error)));
    }
  }

  #failed(reason: string): void {
    this.#set({ main: undefined, shim: undefined });
    this.send({ kind: 'ended', exit: UNKNOWN, why: reason });
  }

  /** Listens to the shim: by its FIFO, and where that is another's (the folder was made anew), by its own descriptor. */
  #attach(hash?: string): void {
    this.#listening?.close();
    const listener = {
      pid: (stat: ProcessStat) => this.#up(stat, hash),
      end: (exit: Exit | undefined) => this.#ended(exit),
    };
    const { shim } = this.#record;
    const fifo = join(this.folder, FIFO);
    const path = isHeld(fifo) || shim === undefined || !lives(shim) ? fifo : `/proc/${shim.pid}/fd/3`;
    try {
      this.#listening = listen(path, listener);
    } catch {
      this.#ended(undefined);
    }
  }

  #up(stat: ProcessStat, hash: string | undefined): void {
    const { main } = this.#record;
    if (main?.pid === stat.pid && main.start === stat.start) return;
    const { pid, start, pgrp } = stat;
    const known = hash ?? parseStamp(variableOf(pid, STAMP) ?? '')?.hash;
    this.#set({
      main: { pid, start, since: Date.now(), hash: known },
      shim: { pid: pgrp, start: statOf(pgrp)?.start ?? 0 },
    });
    this.#recognise();
    if (this.state.name === 'STOPPING') {
      this.#persist();
      this.#run('signal');
      return;
    }
    this.send({ kind: 'up' });
    this.#monitor();
  }

  /** Where the line with the pid went to somebody who is no more, its file has it. */
  #awaitPid(): void {
    this.#look = setTimeout(() => {
      const stat = readPid(this.folder);
      if (stat !== undefined && lives(stat)) this.#up(stat, undefined);
      else if (this.#listening !== undefined && this.#record.main === undefined) this.#awaitPid();
    }, STOPPING_LOOK);
  }

  /** The shim is gone. That is no proof that the service is. */
  #ended(told: Exit | undefined): void {
    this.#listening = undefined;
    const exit = told ?? readExit(this.folder);
    const { main } = this.#record;
    if (exit === undefined && main !== undefined && lives(main)) {
      this.#around.emit({ kind: 'unseen', service: this.id, pid: main.pid });
      this.#watchOrphan(main);
      return;
    }
    const written = exit === undefined && main === undefined ? readPid(this.folder) : undefined;
    if (written !== undefined && lives(written)) this.#up(written, undefined);
    else this.#clear(exit ?? UNKNOWN, true);
  }

  #watchOrphan(main: ProcessRef): void {
    clearTimeout(this.#look);
    this.#look = setTimeout(
      () => (lives(main) ? this.#watchOrphan(main) : this.#clear(UNKNOWN, true)),
      this.state.name === 'STOPPING' ? STOPPING_LOOK : ORPHAN_LOOK,
    );
  }

  /** The main process is gone: before that counts, nothing of its tree may be left. `fresh`: we saw it alive. */
  #clear(exit: Exit, fresh: boolean): void {
    const group = fresh ? (this.#record.shim?.pid ?? this.#child?.pid) : undefined;
    const quick = this.state.name !== 'STOPPING' && fresh && (group === undefined || !signalTo(-group, 0));
    if (!this.#settings.stop.tree || quick) this.#over(exit);
    else void this.#clearTree(group).then(() => this.#over(exit));
  }

  async #clearTree(group: number | undefined): Promise<void> {
    // The shim itself is the last of its group, until its parent has buried it.
    for (let wait = 0; wait < 4 && this.state.name !== 'STOPPING' && group !== undefined; wait += 1) {
      await sleep(wait);
      if (!signalTo(-group, 0)) return;
    }
    let asked = false;
    for (let wait = 2; !this.#closed; wait = Math.min(wait * 2, 200)) {
      const left = remainsOf(await this.#around.scanner.fresh(), this.#named(), group, this.#tree);
      if (left.length === 0) return;
      const signal = this.state.name === 'STOPPING' ? this.#settings.stop.signal : 'SIGKILL';
      if (!asked || signal === 'SIGKILL') for (const { pid } of left) signalTo(pid, signal);
      asked = true;
      await sleep(wait);
    }
  }

  #over(exit: Exit): void {
    if (this.#closed) return;
    this.#tree = [];
    this.#child = undefined;
    this.#set({ main: undefined, shim: undefined });
    this.#around.monitor.forget(this.id);
    this.send({ kind: 'ended', exit });
  }

  async #signal(): Promise<void> {
    const { main, shim } = this.#record;
    const { signal, tree } = this.#settings.stop;
    // Not there yet: asked as soon as it is.
    if (main === undefined) return;
    if (!tree || shim === undefined) {
      signalTo(main.pid, signal);
      return;
    }
    const processes = await this.#around.scanner.fresh();
    if (!this.#still('STOPPING') || !lives(main)) return;
    this.#tree = remainsOf(processes, this.#named(), shim.pid, [main]);
    signalTo(-shim.pid, signal);
    // It may have made itself the head of another session.
    if (processes.get(main.pid)?.pgrp !== shim.pid) signalTo(main.pid, signal);
  }

  async #kill(): Promise<void> {
    const { main, shim } = this.#record;
    if (!this.#settings.stop.tree) {
      if (main !== undefined && lives(main)) signalTo(main.pid, 'SIGKILL');
      return;
    }
    const group = shim?.pid ?? this.#child?.pid;
    const left = remainsOf(await this.#around.scanner.fresh(), this.#named(), group, [
      ...this.#tree,
      ...(main === undefined ? [] : [main]),
    ]);
    if (this.#still('STOPPING')) for (const { pid } of left) signalTo(pid, 'SIGKILL');
  }

  #still(name: State['name']): boolean {
    return !this.#closed && this.state.name === name;
  }

  #named(): { readonly owner: string; readonly id: ServiceId } {
    return { owner: this.#around.owner, id: this.id };
  }

  /** Spares the next look at /proc the reading of these environments. */
  #recognise(): void {
    const { main, shim } = this.#record;
    if (main?.hash === undefined) return;
    const stamp = parseStamp(formatStamp(this.#around.owner, this.id, main.hash));
    this.#around.scanner.know(main, stamp);
    if (shim !== undefined) this.#around.scanner.know(shim, stamp);
  }

  #monitor(): void {
    const { probes, directory } = this.#settings;
    if (probes.length === 0) {
      this.#around.monitor.forget(this.id);
      return;
    }
    try {
      const environment = environmentOf(this.#settings, this.#identity?.user);
      this.#around.monitor.watch(this.id, probes, { prefix: switchUser(this.#identity), environment, directory });
    } catch (error) {
      const summary = `cannot probe the health of ${this.id}: ${why(error)}`;
      this.#around.emit({ kind: 'service-trouble', service: this.id, problem: { code: 'no-probes', summary } });
    }
  }

  #enter(state: State): void {
    const from = this.state;
    this.#set({ machine: { ...this.#record.machine, state } });
    this.#persist();
    this.#arm();
    this.#tell(from, undefined);
    this.#notify();
  }

  #set(change: Partial<ServiceRecord>): void {
    this.#record = { ...this.#record, ...change };
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due =
      this.#active || this.state.name === 'STOPPING' ? deadline(this.#record.machine, this.#settings.rules) : undefined;
    if (due === undefined || this.#closed) return;
    const wait = Math.min(Math.max(0, due - Date.now()), LONGEST);
    // The clock may be set meanwhile: what was waited for has come.
    this.#timer = setTimeout(
      () => (wait === LONGEST ? this.#arm() : this.send({ kind: 'timer' }, Math.max(due, Date.now()))),
      wait,
    );
  }

  #persist(): void {
    if (this.#closed) return;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeRecord(this.#around.services, this.#record);
    } catch (error) {
      const problem = {
        code: 'record-not-written',
        summary: `cannot write the record of ${this.id}: ${why(error)}`,
        file: this.folder,
      };
      this.#around.emit({ kind: 'service-trouble', service: this.id, problem });
    }
  }

  #notify(): void {
    for (const done of [...this.#waiting]) done();
  }

  #tell(from: State, input: Input | undefined): void {
    const { state } = this;
    if (state.name === 'STOPPING' && state.killed && from.name === 'STOPPING' && !from.killed) {
      this.#around.emit({ kind: 'killed', service: this.id, after: this.#settings.rules.stopTimeout });
    }
    if (from.name === state.name) return;
    const pid = this.#record.main?.pid;
    this.#around.emit({
      kind: 'state',
      service: this.id,
      from: from.name,
      to: state.name,
      ...(pid === undefined ? {} : { pid }),
      ...(input?.kind === 'ended' ? { exit: input.exit } : {}),
      ...('reason' in state ? { reason: state.reason } : {}),
    });
  }
}
