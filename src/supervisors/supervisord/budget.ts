import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { readIfThere, writeAtomic } from '../../host/files.ts';
import type { ServiceId } from '../../model.ts';
import type { Rules } from '../shared/settings.ts';

/** A program that was restarted more often than its limit allows, and was stopped for that. ms since the epoch. */
export interface Spent {
  readonly since: number;
  /** When it is tried again. */
  readonly until: number;
  readonly reason: string;
}

const File = z.record(z.string(), z.object({ since: z.number(), until: z.number(), reason: z.string() }));

/**
 * Which programs of an instance have spent their restarts, which supervisord knows nothing of. Kept in the runtime
 * folder: a boot begins anew.
 */
export class Budget {
  readonly #path: string;
  /** When each program was restarted lately. */
  readonly #recent = new Map<ServiceId, number[]>();
  readonly #restarts = new Map<ServiceId, number>();

  constructor(runtimeDir: string, instance: string) {
    this.#path = join(runtimeDir, 'supervisord', `${instance}.json`);
  }

  /** What can't be read, or is no such file, says that nothing is spent: the count begins anew. */
  spent(): Readonly<Record<ServiceId, Spent>> {
    try {
      return File.parse(JSON.parse(readIfThere(this.#path) ?? '{}'));
    } catch {
      return {};
    }
  }

  /** Restarts that were seen since somebody last started it. */
  restarts(id: ServiceId): number {
    return this.#restarts.get(id) ?? 0;
  }

  /** A restart that nobody asked for; true where that is one too many. */
  count(id: ServiceId, at: number, { limit }: Pick<Rules, 'limit'>): boolean {
    const recent = [...(this.#recent.get(id) ?? []), at].filter((each) => each > at - limit.within);
    this.#recent.set(id, recent);
    this.#restarts.set(id, this.restarts(id) + 1);
    return recent.length > limit.restarts;
  }

  hold(id: ServiceId, spent: Spent): void {
    this.#save({ ...this.spent(), [id]: spent });
  }

  /** Git or a person has said something of it: it begins anew. */
  renew(id: ServiceId): void {
    this.#recent.delete(id);
    this.#restarts.delete(id);
    this.release(id);
  }

  /** It is tried again: it is no longer held, and has what is left of its count. */
  release(id: ServiceId): void {
    const { [id]: held, ...rest } = this.spent();
    if (held !== undefined) this.#save(rest);
  }

  #save(spent: Readonly<Record<ServiceId, Spent>>): void {
    if (Object.keys(spent).length === 0) rmSync(this.#path, { force: true });
    else {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      writeAtomic(this.#path, JSON.stringify(spent));
    }
  }
}
