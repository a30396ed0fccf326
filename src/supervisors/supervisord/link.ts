import { lives, type ProcessRef, statOf } from '../../host/procfs.ts';
import type { Instance } from '../../instance.ts';
import type { ServiceId } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { type Child, createChildren } from './children.ts';
import { type Place, placeOf } from './place.ts';
import { findSupervisord, type Presence, whyNot } from './presence.ts';
import { createClient, createSupervisord, type ProcessInfo, type Supervisord } from './rpc.ts';

/** ms. */
const TOGETHER = 200;

/** So many that one answer about all is had sooner than one about each. */
const MANY = 300;

/** The way to one supervisord: where it is, whether it is there, and what to ask it by. Connects when it is first asked. */
export class Link implements Disposable {
  readonly instance: Instance;
  readonly #children = createChildren();
  #place: Place | undefined;
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

  /** Reads its configuration anew. `own`: the file of our programs, and whether that is as we wrote it. */
  look(own: string, asWritten: boolean): Place {
    this.#place = placeOf(this.instance, own, asWritten);
    return this.#place;
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
    const ours = ({ name, group }: Child) => group === name || this.place.groups.get(name)?.group === group;
    return new Map(
      this.#children(this.#process.pid)
        .filter(ours)
        .map((child) => [child.name, child]),
    );
  }

  /** What supervisord calls a program: `group:name`, in a group of its own unless others have put it into one. */
  nameOf(id: ServiceId): string {
    const group = this.place.groups.get(id)?.group;
    return group === undefined ? id : `${group}:${id}`;
  }

  async info(id: ServiceId): Promise<ProcessInfo | undefined> {
    return (await this.infos([id]))[0];
  }

  /** In that order; undefined for what supervisord does not have. */
  async infos(ids: readonly ServiceId[]): Promise<readonly (ProcessInfo | undefined)[]> {
    if (ids.length === 0) return [];
    if (ids.length > MANY) {
      const all = new Map((await this.rpc().allProcessInfo()).map((info) => [`${info.group}:${info.name}`, info]));
      return ids.map((id) => all.get(`${this.place.groups.get(id)?.group ?? id}:${id}`));
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
    const presence = await this.presence();
    const problem = whyNot(this.instance, presence);
    if (problem !== undefined) throw new Failure(problem);
    if (presence.kind === 'gone') throw new Failure(down(this.instance));
  }

  [Symbol.dispose](): void {
    this.#rpc?.rpc[Symbol.dispose]();
    this.#rpc = undefined;
  }
}

export function down({ name, config, owned }: Instance) {
  const summary = `the supervisord of ${config} is not running`;
  const hint = owned === undefined ? 'start it by what runs it' : `it is the service supervisord-${name}: see there`;
  return { code: 'supervisord-down', summary, hint };
}
