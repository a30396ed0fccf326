import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beganAt, bootId, type ProcessRef } from '../../host/procfs.ts';
import type { Definition, ServiceId } from '../../model.ts';
import { type Problem, unreachable, why } from '../../problem.ts';
import { UNKNOWN } from '../shared/exit.ts';
import { probedAlike, watchHealth } from '../shared/probing.ts';
import type { RunsAs } from '../shared/programs.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';
import { Alarm } from './alarm.ts';
import { answerTo, countsOf } from './answer.ts';
import { begin } from './begin.ts';
import { Changes } from './changes.ts';
import { Diagnosis } from './diagnosis.ts';
import { changeOf } from './events.ts';
import { FIFO, isHeld } from './fifo.ts';
import { Incarnation } from './incarnation.ts';
import { deadline, type Effect, type Input, next, type State } from './machine.ts';
import { stampHash } from './observe.ts';
import { prepareStart } from './prepare.ts';
import { realityOf } from './reality.ts';
import { folderOf, keepRecord, NEW_MACHINE, type ServiceRecord, writeRecord } from './record.ts';
import { findMain, type Identity, type Processes } from './scan.ts';
import type { Surroundings } from './surroundings.ts';
import { ownGroup } from './tree.ts';

/**
 * One service: carries out what its state machine decides and tells it what happens. A transition is written down after
 * its effect: where a record claims less than what runs, the FIFO and the pid file make it good, and they are asked first.
 */
export class Unit {
  readonly id: ServiceId;
  readonly folder: string;
  readonly #around: Surroundings;
  #record: ServiceRecord;
  #settings: Settings;
  #now: Incarnation | undefined;
  #runsAs: RunsAs | undefined;
  #prepared = false;
  /** Nobody can hold its FIFO yet. */
  #isNew = false;
  #active: boolean;
  #closed = false;
  readonly #alarm = new Alarm();
  readonly #changes = new Changes();
  readonly #diagnosis: Diagnosis;

  constructor(around: Surroundings, record: ServiceRecord) {
    this.#around = around;
    this.#record = record;
    this.#settings = settingsOf(record.id, record.definition.fields, record.logDir);
    this.#active = around.supervise;
    this.id = record.id;
    this.folder = folderOf(around.services, record.id);
    if (record.boot === bootId()) around.restarts.seed(record.id, record.machine);
    around.restarts.know(record.id, this.#settings.rules);
    this.#diagnosis = new Diagnosis(around, this, (input) => this.send(input));
  }

  get settings(): Settings {
    return this.#settings;
  }

  get state(): State {
    return this.#record.machine.state;
  }

  get pid(): number | undefined {
    return this.#now?.main?.pid;
  }

  async prepare(): Promise<void> {
    if (this.#prepared) return;
    ({ runsAs: this.#runsAs, isNew: this.#isNew } = await prepareStart(this.folder, this.#settings));
    this.#prepared = true;
  }

  /** A new definition, without touching a process. Throws where it cannot be written, and all is as before. */
  redefine(definition: Definition, revision: string | undefined): void {
    const before = this.#settings;
    const record = { ...this.#record, definition, revision: revision ?? this.#record.revision };
    writeRecord(this.#around.services, record);
    this.#prepared &&= definition.fields === this.#record.definition.fields;
    this.#record = record;
    this.#settings = settingsOf(this.id, definition.fields, record.logDir);
    this.#around.restarts.know(this.id, this.#settings.rules);
    if (this.pid !== undefined && !probedAlike(before, this.#settings)) this.#watchHealth();
    this.#arm();
    this.#changes.tell();
  }

  /** Finds out what there is of it and takes it up from there. */
  resume(processes: Processes): void {
    const reality = realityOf(this.folder, this.#record);
    const { state } = this;
    const ran = ['STARTING', 'RUNNING', 'STOPPING'].includes(state.name);
    switch (reality.kind) {
      case 'unborn':
      case 'rebooted':
        this.#record = { ...this.#record, boot: bootId(), started: false, machine: NEW_MACHINE };
        this.#changed();
        return;
      case 'living':
        this.adopt(reality.main, reality.group, reality.since);
        return;
      case 'between':
        if (!ran) this.#enter({ name: 'STARTING', since: Date.now(), up: false, trial: false });
        this.#incarnate().between();
        return;
      case 'gone': {
        const main = findMain(processes.values(), this.#identity(), this.#settings.command);
        if (main !== undefined) this.adopt(main, ownGroup(main, processes), beganAt(main));
        else if (!ran) this.#arm();
        else if (this.#active) this.#incarnate().ended(reality.exit);
        else if (state.name === 'STOPPING') this.#enter({ name: 'STOPPED' });
        else this.#enter({ name: 'EXITED', exit: reality.exit, at: reality.at ?? Date.now() });
        return;
      }
      default:
        unreachable(reality);
    }
  }

  /** Takes a living process as this service's. */
  adopt(main: ProcessRef, group: number | undefined, since: number): void {
    const before = this.#record.main;
    const same = before?.pid === main.pid && before.start === main.start;
    const known = same ? before : { ...main, since, hash: stampHash(main.pid) };
    this.#record = { ...this.#record, boot: bootId(), started: true };
    this.#incarnate().found(known, group);
    this.#around.emit({ kind: 'adopted', service: this.id, pid: main.pid });
    this.#watchHealth();
    const { state } = this;
    if (state.name === 'STARTING' && !state.up) this.send({ kind: 'up' });
    else if (state.name === 'STOPPING') this.#carryOut('signal');
    else if (!same || (state.name !== 'RUNNING' && state.name !== 'STARTING')) this.#enter({ name: 'RUNNING', since });
    this.#changed();
  }

  /**
   * Wanted to run. `prepare` and a full look for a copy of it were done. All counters at zero, but where it is started
   * `again` to keep it well: that was counted before.
   */
  start(again = false): void {
    this.#active = true;
    if (!again) this.#around.restarts.take(this.id, { kind: 'renewed' });
    this.send({ kind: 'start' });
  }

  stop(): void {
    this.send({ kind: 'stop' });
  }

  /** Nobody will try to start it again. */
  giveUp(reason: string): void {
    const { state } = this;
    if (state.name === 'BACKOFF') this.#enter({ name: 'FATAL', at: Date.now(), exit: state.exit, reason });
  }

  /** Lets go of it; no process is touched. */
  close(): void {
    this.#closed = true;
    this.#now?.close();
    this.#around.monitor.forget(this.id);
    this.#alarm.clear();
    this.#diagnosis.close();
    this.#changes.tell();
  }

  /** Resolves once its state is as asked for, on abort, after `limit` ms, and when it is closed. */
  async until(reached: (state: State) => boolean, signal: AbortSignal, limit?: number): Promise<void> {
    await this.#changes.until(() => this.#closed || reached(this.state), signal, limit);
  }

  send(input: Input, now = Date.now()): void {
    if (this.#closed) return;
    const { rules } = this.#settings;
    const from = this.state;
    let { machine, effect, ask } = next(this.#record.machine, input, rules, now);
    if (ask !== undefined) ({ machine, effect } = next(machine, answerTo(this.#around, this.id, ask), rules, now));
    if (machine === this.#record.machine) return;
    this.#record = { ...this.#record, machine: { ...machine, ...countsOf(this.#around.restarts, this.id) } };
    if (effect !== undefined) this.#carryOut(effect);
    this.#changed(from, input);
    if (input.kind === 'ended' && this.#active) this.#diagnosis.ended(input);
  }

  #carryOut(effect: Effect): void {
    const ways: Readonly<Record<Effect, () => unknown>> = {
      spawn: () => this.#spawn(),
      signal: () => this.#now?.ask(),
      kill: () => this.#now?.kill(),
    };
    ways[effect]();
  }

  /** On the way from a crash to the next start nothing waits but for what is missing, and others. */
  #spawn(): void {
    const { starts } = this.#around;
    const take = () => starts.take(() => this.#tryNow());
    if (this.#prepared && existsSync(join(this.folder, FIFO))) {
      take();
      return;
    }
    this.#prepared = false;
    void this.prepare().then(take, (error: unknown) => this.#failed(why(error)));
  }

  #tryNow(): void {
    try {
      const { name } = this.state;
      if (name === 'STARTING' && !this.#closed) this.#spawnNow();
      else if (name === 'STOPPING' && !this.#now) queueMicrotask(() => this.send({ kind: 'ended', exit: UNKNOWN }));
    } catch (error) {
      queueMicrotask(() => this.#failed(why(error)));
    }
  }

  #spawnNow(): void {
    const { scanner, scopes, starts } = this.#around;
    const { folder } = this;
    const { logDir } = this.#record;
    const { hash } = this.#record.definition;
    const identity = this.#identity();
    const settings = this.#settings;
    // Somebody has started it: never doubled.
    if (!this.#isNew && isHeld(join(folder, FIFO))) {
      queueMicrotask(() => this.resume(scanner.take()));
      return;
    }
    this.#isNew = false;
    const copy = scanner.newcomer(identity, settings.command);
    if (copy !== undefined) {
      queueMicrotask(() => this.adopt(copy, ownGroup(copy, scanner.take()), beganAt(copy)));
      return;
    }
    const now = this.#incarnate();
    const waits = () => this.#now === now && !this.#closed;
    const place = scopes?.for(this.id, settings);
    const runsAs = this.#runsAs;
    begin({ folder, logDir, settings, runsAs, stamp: { ...identity, hash }, place }, starts, {
      born: (pid) => {
        if (!waits()) return;
        this.#record = { ...this.#record, started: true, boot: bootId() };
        now.born(pid, hash);
      },
      failed: (reason) => waits() && this.#failed(reason),
    });
  }

  #failed(reason: string): void {
    this.#now?.close();
    this.#now = undefined;
    this.send({ kind: 'ended', exit: UNKNOWN, why: reason });
  }

  #incarnate(): Incarnation {
    this.#now?.close();
    const { scanner } = this.#around;
    const place = { folder: this.folder, scanner, identity: this.#identity(), stop: () => this.#settings.stop };
    this.#now = new Incarnation(place, {
      up: () => {
        this.send({ kind: 'up' });
        this.#watchHealth();
      },
      unseen: (pid) => this.#around.emit({ kind: 'unseen', service: this.id, pid }),
      over: (exit) => {
        this.#now = undefined;
        this.#around.monitor.forget(this.id);
        this.send({ kind: 'ended', exit });
      },
    });
    return this.#now;
  }

  #identity(): Identity {
    return { owner: this.#around.owner, id: this.id };
  }

  #watchHealth(): void {
    // Its user is gone: a probe must not run as another.
    if (this.#settings.user !== undefined && this.#runsAs === undefined) return;
    this.#trouble(watchHealth(this.#around.monitor, this.id, this.#settings, this.#runsAs, () => this.pid));
  }

  #trouble(problem: Problem | undefined): void {
    if (problem !== undefined) this.#around.emit({ kind: 'service-trouble', service: this.id, problem });
  }

  #enter(state: State): void {
    const from = this.state;
    this.#record = { ...this.#record, machine: { ...this.#record.machine, state } };
    this.#changed(from);
  }

  /** Writes down what is now so, waits for what comes by itself, and tells. */
  #changed(from: State = this.state, input?: Input): void {
    this.#persist();
    this.#arm();
    const event = changeOf(this.id, from, this.state, this.pid, input);
    if (event !== undefined) this.#around.emit(event);
    this.#changes.tell();
  }

  #arm(): void {
    this.#alarm.clear();
    if (this.#closed) return;
    if (this.#active) this.#diagnosis.follow();
    const mine = this.#active || this.state.name === 'STOPPING';
    const due = mine ? deadline(this.#record.machine, this.#settings.rules) : undefined;
    if (due !== undefined) this.#alarm.set(due, (now) => this.send({ kind: 'timer' }, now));
  }

  #persist(): void {
    if (this.#closed) return;
    this.#record = { ...this.#record, main: this.#now?.main, shim: this.#now?.shim };
    this.#trouble(keepRecord(this.#around.services, this.#record));
  }
}
