import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import type { Instance } from '../instance.ts';
import type { Desired, Revision, Service, ServiceId } from '../model.ts';
import { type Book, isCalm } from './book.ts';
import { digestOf } from './digest.ts';

/** A service as it last stayed well, which is what is gone back to. */
export interface Proven {
  readonly service: Service;
  readonly digest: string;
  readonly revision: Revision;
  /** The supervisord that it runs. */
  readonly instance?: Instance;
}

export type AllProven = ReadonlyMap<ServiceId, Proven>;

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'proven.json');

export function readProven(stateDir: string): AllProven {
  const saved = readDecision(fileOf(stateDir), isSaved);
  return new Map(Object.entries(saved?.services ?? {}));
}

export function saveProven(stateDir: string, proven: AllProven): void {
  writeDecision(fileOf(stateDir), { version: 1, services: Object.fromEntries(proven) });
}

/**
 * With these as proven, as they are desired, and once nothing is tried any more without what Git has no more of: that one
 * of its name was there once is nothing to go back to. The same where nothing is new.
 */
export function withServices(
  services: readonly Service[],
  { revision, instances, git, services: all }: Desired,
  proven: AllProven,
  book: Book,
): AllProven {
  const declared = new Set(
    [...all, ...(git?.services ?? [])].filter(({ state }) => state !== 'absent').map(({ id }) => id),
  );
  const gone = isCalm(book) ? [...proven.keys()].filter((id) => !declared.has(id)) : [];
  if (services.length + gone.length === 0) return proven;
  const next = new Map(proven);
  for (const id of gone) next.delete(id);
  const { content, commit } = revision;
  for (const service of services) {
    const digest = digestOf(service);
    // What it was put back to is no newer for that.
    if (next.get(service.id)?.digest === digest) continue;
    const instance = instances.find(({ supervisor }) => supervisor === service.runs);
    next.set(service.id, {
      service,
      digest,
      revision: commit === undefined ? { content } : { content, commit },
      ...(instance === undefined ? {} : { instance }),
    });
  }
  return next;
}

interface Saved {
  readonly version: 1;
  readonly services: Readonly<Record<ServiceId, Proven>>;
}

const isSaved = (value: unknown): value is Saved =>
  isObject(value) &&
  value.version === 1 &&
  isObject(value.services) &&
  Object.values(value.services).every(
    (one) =>
      isObject(one) &&
      typeof one.digest === 'string' &&
      isObject(one.revision) &&
      isObject(one.service) &&
      typeof one.service.id === 'string' &&
      isObject(one.service.written),
  );
