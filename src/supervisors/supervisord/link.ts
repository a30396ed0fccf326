import type { Instance } from '../../instance.ts';
import type { ServiceId } from '../../model.ts';
import { Failure, type Problem } from '../../problem.ts';
import { type Child, createChildren } from './children.ts';
import { type Place, placeOf } from './place.ts';
import { findSupervisord, type Presence } from './presence.ts';
import { createClient, createSupervisord, type ProcessInfo, type Supervisord } from './rpc.ts';

/** The way to one supervisord: where it is, whether it is there, and what to ask it by. Connects when it is first asked. */
export class Link {
  readonly instance: Instance;
  readonly #children = createChildren();
  #rpc: { readonly socket: string; readonly rpc: Supervisord } | undefined;
  #pid: number | undefined;

  constructor(instance: Instance) {
    this.instance = instance;
  }

  /** Where its socket, log and pid file are, by its configuration as it is now. */
  place(): Place {
    return placeOf(this.instance);
  }

  /** Looks whether it is there and answers. Never throws. */
  async presence(place = this.place()): Promise<Presence> {
    const presence = await findSupervisord(place);
    this.#pid = presence.kind === 'up' ? presence.pid : undefined;
    return presence;
  }

  rpc(): Supervisord {
    const { address } = this.place();
    const key = JSON.stringify(address);
    if (this.#rpc?.socket !== key) this.#rpc = { socket: key, rpc: createSupervisord(createClient(address)) };
    return this.#rpc.rpc;
  }

  /** Its own processes now, by name; those of groups that others made are not among them. */
  children(): ReadonlyMap<ServiceId, Child> {
    if (this.#pid === undefined) return new Map();
    return new Map(
      this.#children(this.#pid).flatMap((child) => (child.group === child.name ? [[child.name, child]] : [])),
    );
  }

  child(id: ServiceId): Child | undefined {
    return this.children().get(id);
  }

  async info(id: ServiceId): Promise<ProcessInfo | undefined> {
    return (await this.rpc().processInfo([id]))[0];
  }

  /** Throws why it can't be asked for anything, if so. */
  async demand(): Promise<void> {
    const problem = whyNot(this.instance, await this.presence());
    if (problem !== undefined) throw new Failure(problem);
  }
}
