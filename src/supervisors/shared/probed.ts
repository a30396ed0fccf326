import type { Monitor } from '../../health/health.ts';
import { findUser } from '../../host/users.ts';
import type { ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { watchHealth } from './probing.ts';
import type { Settings } from './settings.ts';

/** The services whose health is watched, of a supervisor that keeps them running by itself. */
export class Probed implements Disposable {
  readonly #monitor: Monitor;
  readonly #trouble: (service: ServiceId, problem: Problem) => void;
  /** What is probed, by the probes it has. */
  readonly #probed = new Map<ServiceId, string>();

  constructor(monitor: Monitor, trouble: (service: ServiceId, problem: Problem) => void) {
    this.#monitor = monitor;
    this.#trouble = trouble;
  }

  /** Has a service's process probed, where it has probes; nothing where the same ones are at that one. */
  async probe(id: ServiceId, settings: Settings, pid: number | undefined): Promise<void> {
    const { probes, user, group, grace } = settings;
    const key = JSON.stringify([pid, probes, user, group, grace, settings.directory, settings.environment]);
    if (probes.length === 0) return this.#forget(id);
    if (this.#probed.get(id) === key) return;
    this.#probed.set(id, key);
    const found = user === undefined ? undefined : await findUser(user);
    // Its user is gone: a probe must not run as another.
    if (user !== undefined && found === undefined) return this.#forget(id);
    const problem = watchHealth(this.#monitor, id, settings, found && { user: found, group }, () => pid);
    if (problem !== undefined) this.#trouble(id, problem);
  }

  /** A new process: its probes begin anew. */
  renew(id: ServiceId): void {
    this.#probed.delete(id);
  }

  /** Of all others none is probed any more. */
  keep(alive: ReadonlySet<ServiceId>): void {
    for (const id of this.#probed.keys()) if (!alive.has(id)) this.#forget(id);
  }

  #forget(id: ServiceId): void {
    if (this.#probed.delete(id)) this.#monitor.forget(id);
  }

  [Symbol.dispose](): void {
    this.keep(new Set());
  }
}
