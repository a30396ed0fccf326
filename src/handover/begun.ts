import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import { readIfThere, writeAtomic } from '../host/files.ts';
import type { Begun, ServiceId } from '../model.ts';
import type { Problem } from '../problem.ts';

/**
 * What is remembered of handovers that have begun and not ended, in the runtime folder: a boot ends them all, and starts
 * what was not given up yet.
 */
export interface BegunStore {
  read(): ReadonlyMap<ServiceId, Begun>;
  /** Throws where it can't be written: nothing is to be stopped then. */
  write(id: ServiceId, begun: Begun): void;
  end(id: ServiceId): void;
}

export function openBegun(runtimeDir: string): BegunStore {
  const file = join(runtimeDir, 'handovers.json');
  const read = (): Record<ServiceId, Begun> => {
    const text = readIfThere(file);
    // Written by rename: what can't be read was never whole, or is somebody else's. The host tells the rest.
    try {
      const value: unknown = JSON.parse(text ?? '{}');
      return isObject(value) ? (value as Record<ServiceId, Begun>) : {};
    } catch {
      return {};
    }
  };
  const save = (all: Record<ServiceId, Begun>) => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    if (Object.keys(all).length === 0) rmSync(file, { force: true });
    else writeAtomic(file, JSON.stringify(all));
  };
  return {
    read: () => new Map(Object.entries(read())),
    write: (id, begun) => save({ ...read(), [id]: begun }),
    end: (id) => {
      const { [id]: ended, ...rest } = read();
      if (ended !== undefined) save(rest);
    },
  };
}

/** A handover that failed and was reversed: not tried again as long as Git wants the same of the service. */
export interface Reversed {
  /** A digest of what Git wanted. */
  readonly wanted: string;
  /** ms since the epoch */
  readonly at: number;
  readonly problem: Problem;
}

export interface ReversedStore {
  read(): ReadonlyMap<ServiceId, Reversed>;
  write(id: ServiceId, reversed: Reversed): void;
  end(id: ServiceId): void;
}

/** A decision: it outlives a boot. */
export function openReversed(stateDir: string): ReversedStore {
  const file = join(stateDir, 'decisions', 'handovers.json');
  const read = () => readDecision(file, isReversed) ?? {};
  return {
    read: () => new Map(Object.entries(read())),
    write: (id, reversed) => writeDecision(file, { ...read(), [id]: reversed }),
    end: (id) => {
      const { [id]: ended, ...rest } = read();
      if (ended !== undefined) writeDecision(file, rest);
    },
  };
}

const isReversed = (value: unknown): value is Record<ServiceId, Reversed> =>
  isObject(value) &&
  Object.values(value).every(
    (one) =>
      isObject(one) &&
      typeof one.wanted === 'string' &&
      typeof one.at === 'number' &&
      isObject(one.problem) &&
      typeof one.problem.summary === 'string',
  );
