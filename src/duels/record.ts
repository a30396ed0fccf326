import { join } from 'node:path';
import type { ServiceId } from '../model.ts';
import type { Finding } from './evidence.ts';

/** A duel that was seen: its service is left alone until Git changes it, or a person starts it. */
export interface DuelRecord {
  readonly service: ServiceId;
  readonly rounds: number;
  /** From our first action to the last answer to it; milliseconds since the epoch. */
  readonly since: number;
  readonly until: number;
  /** Digest of what Git wanted of it then: with another, the duel is over. */
  readonly wanted: string;
  readonly findings: readonly Finding[];
}

/** By service. */
export type Duels = ReadonlyMap<ServiceId, DuelRecord>;

/** How decisions are read and written (decisions.ts): whole, synced, and a damaged one is an error. */
export interface Store {
  read<T>(path: string, isWhole: (value: unknown) => value is T): T | undefined;
  write(path: string, value: unknown): void;
}

const fileIn = (stateDir: string) => join(stateDir, 'decisions', 'duels.json');

/** Fails where it is damaged: then nobody knows what is to be left alone. */
export function readDuels(stateDir: string, store: Pick<Store, 'read'>): Duels {
  const saved = store.read(fileIn(stateDir), isSaved);
  return new Map(saved?.duels.map((one) => [one.service, one]));
}

/** Nothing is written where nothing has changed. */
export function saveDuels(stateDir: string, before: Duels, after: Duels, store: Pick<Store, 'write'>): void {
  const saved = savedOf(after);
  if (JSON.stringify(savedOf(before)) !== JSON.stringify(saved)) store.write(fileIn(stateDir), saved);
}

/**
 * Those that go on: Git wants the same of the service as then, and nobody has asked for it to be started. One whose service
 * is no longer declared is over. Pure.
 */
export function duelsLeft(
  duels: Duels,
  wanted: ReadonlyMap<ServiceId, string>,
  asked: ReadonlySet<ServiceId> = new Set(),
): Duels {
  return new Map([...duels].filter(([id, record]) => wanted.get(id) === record.wanted && !asked.has(id)));
}

interface Saved {
  readonly version: 1;
  readonly duels: readonly DuelRecord[];
}

function savedOf(duels: Duels): Saved {
  return { version: 1, duels: [...duels.values()].sort((a, b) => (a.service < b.service ? -1 : 1)) };
}

type Plain = Readonly<Record<string, unknown>>;

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSaved = (value: unknown): value is Saved =>
  isPlain(value) && value.version === 1 && Array.isArray(value.duels) && value.duels.every(isRecord);

const isRecord = (value: unknown): boolean =>
  isPlain(value) &&
  [value.service, value.wanted].every((text) => typeof text === 'string') &&
  [value.rounds, value.since, value.until].every((number) => typeof number === 'number') &&
  Array.isArray(value.findings) &&
  value.findings.every(isFinding);

const isFinding = (value: unknown): boolean =>
  isPlain(value) &&
  [value.subject, value.kind, value.certainty, value.evidence].every((text) => typeof text === 'string') &&
  Array.isArray(value.times) &&
  value.times.every((time) => typeof time === 'number') &&
  (value.by === undefined || (isPlain(value.by) && typeof value.by.pid === 'number'));
