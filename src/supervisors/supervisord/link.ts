import { setTimeout as sleep } from 'node:timers/promises';
import { isGuardOf } from '../../guard.ts';
import { beganAt, commandOf, listPids, lives, type ProcessRef, statOf } from '../../host/procfs.ts';
import type { Instance } from '../../instance.ts';
import type { ServiceId } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { parseStamp, stampId } from '../../stamp.ts';
import { type Child, createChildren } from './children.ts';
import type { OwnPrograms } from './own-programs.ts';
import { type Place, placeOf } from './place.ts';
import { mayBeIn, poolOf } from './pool.ts';
import { findSupervisord, type Presence, whyNot } from './presence.ts';
import { createClient, createSupervisord, type ProcessInfo, type Supervisord } from './rpc.ts';

/** ms. */
const TOGETHER = 200;
/** ms. Its guard waits 15 s at most, and then it has to start. */
const COMING = 20_000;
const AGAIN = 100;

/** So many that one answer about all is had sooner than one about each. */
const MANY = 300;

/** The way to one supervisord: where it is, whether it is there, and what to ask it by. Connects when it is first asked. */
export class Link implements Disposable {
  readonly instance: Instance;
  readonly #children = createChildren();
  #place: Place | undefined;
  /** The pool that each of ours is in, which is; of others none is known. */
  #pools = new Map<ServiceId, string>();
  #rpc: { readonly address: string; readonly rpc: Supervisord } | undefined;
  #process: ProcessRef | undefined;
  #demanded: { readonly at: number; readonly answer: Promise<void> } | undefined;

  constructor(instance: Instance) {
    this.instance = instance;
  }

  /** Where its socket, log and pid file are, and what else its configuration says: as it was last read. */
  get place(): Place {
    this.#place ??= placeOf(this.instance, '', false);
    return this.#place;
  }

  /** Reads its configuration anew. `own`: what is ours in it. */
  look({ path, programs, asWritten }: OwnPrograms): Place {
    this.#place = placeOf(this.instance, path, asWritten);
    this.#pools = new Map();
    for (const { id, defined } of programs) this.learn(id, poolOf(id, defined.file.fields));
    return this.#place;
  }

  /** From now on a program is in that pool, or in none. */
  learn(id: ServiceId, pool: string | undefined): void {
    if (pool === undefined) this.#pools.delete(id);
    else this.#pools.set(id, pool);
  }

  /** Looks whether it is there and answers. Never throws. */
  async presence(): Promise<Presence> {
    const presence = await findSupervisord(this.place);
    const stat = presence.kind === 'up' ? statOf(presence.pid) : undefined;
    this.#process = stat === undefined ? undefined : { pid: stat.pid, start: stat.start };
    return presence;
  }

  /** Is the process that was last found still there? Where none was, nothing has changed as long as none is. */
  lives(): boolean {
    return this.#process === undefined || lives(this.#process);
  }

  rpc(): Supervisord {
    const address = JSON.stringify(this.place.address);
    if (this.#rpc?.address !== address) {
      this.#rpc?.rpc[Symbol.dispose]();
      this.#rpc = { address, rpc: createSupervisord(createClient(this.place.address)) };
    }
    return this.#rpc.rpc;
  }

  /** Its own processes now, by name; those that others have put into groups are not among them, but ours are. */
  children(): ReadonlyMap<ServiceId, Child> {
    if (this.#process === undefined) return new Map();
    const found = new Map<ServiceId, Child>();
    for (const child of this.#children(this.#process.pid)) {
      const { name, group } = child;
      const isPooled = mayBeIn(name, group) && isOf(child.stamp, name);
      if (group !== name && this.place.groups.get(name)?.group !== group && !isPooled) continue;
      // Its file may say otherwise by now: what lives is where it was started.
      if (isPooled || group === name) this.learn(name, isPooled ? group : undefined);
      found.set(name, child);
    }
    return found;
  }

  /** What supervisord calls a program: `group:name`, in a group of its own unless it is in a pool, or others have put it into one. */
  nameOf(id: ServiceId): string {
    const group = this.#groupOf(id);
    return group === id ? id : `${group}:${id}`;
  }

  /** The pool that a program is in by what is known; undefined where it is in none. */
  poolOf(id: ServiceId): string | undefined {
    return this.#pools.get(id);
  }

  #groupOf(id: ServiceId): string {
    return this.#pools.get(id) ?? this.place.groups.get(id)?.group ?? id;
  }

  async info(id: ServiceId): Promise<ProcessInfo | undefined> {
    return (await this.infos([id]))[0];
  }

  /** In that order; undefined for what supervisord does not have. */
  async infos(ids: readonly ServiceId[]): Promise<readonly (ProcessInfo | undefined)[]> {
    if (ids.length === 0) return [];
    if (ids.length > MANY) {
      const all = new Map((await this.rpc().allProcessInfo()).map((info) => [`${info.group}:${info.name}`, info]));
      return ids.map((id) => all.get(`${this.#groupOf(id)}:${id}`));
    }
    return this.rpc().processInfo(ids.map((id) => this.nameOf(id)));
  }

  /** Throws why it can't be asked to do anything, if so; steps that begin together ask once. */
  demand(): Promise<void> {
    if (this.#demanded === undefined || Date.now() - this.#demanded.at > TOGETHER) {
      this.#demanded = { at: Date.now(), answer: this.#demand() };
    }
    return this.#demanded.answer;
  }

  async #demand(): Promise<void> {
    let presence = await this.presence();
    // What a former one has left behind may take its time to end.
    for (const end = Date.now() + COMING; Date.now() < end && this.#isComing(presence); ) {
      await sleep(AGAIN);
      presence = await this.presence();
    }
    const problem = whyNot(this.instance, presence);
    if (problem !== undefined) throw new Failure(problem);
    if (presence.kind === 'gone') throw new Failure(down(this.instance));
  }

  /** Is it one of ours that was started, and is to be there in a moment? */
  #isComing(presence: Presence): boolean {
    const { owned } = this.instance;
    if (owned === undefined) return false;
    if (presence.kind === 'gone') return listPids().some((pid) => isGuardOf(commandOf(pid), owned.socket.path));
    const stat = presence.kind === 'no-socket' ? statOf(presence.pid) : undefined;
    return stat !== undefined && Date.now() - beganAt(stat) < COMING;
  }

  [Symbol.dispose](): void {
    this.#rpc?.rpc[Symbol.dispose]();
    this.#rpc = undefined;
  }
}

function isOf(text: string | undefined, id: ServiceId): boolean {
  const stamp = parseStamp(text ?? '');
  return stamp !== undefined && stampId(stamp) === id;
}

export function down({ name, config, owned }: Instance) {
  const summary = `the supervisord of ${config} is not running`;
  const hint = owned === undefined ? 'start it by what runs it' : `it is the service supervisord-${name}: see there`;
  return { code: 'supervisord-down', summary, hint };
}
