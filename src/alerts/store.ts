import { join } from 'node:path';
import { readIfThere, writeAtomic } from '../host/files.ts';
import { why } from '../problem.ts';
import type { Alert } from './alert.ts';
import type { Saved } from './book.ts';
import type { Entry } from './machine.ts';

/** What was told and what waits to be: kept, so that a daemon that starts anew tells nothing twice and forgets nothing. */
export interface Kept {
  readonly version: 1;
  readonly book: Saved;
  /** By target. */
  readonly queues: Readonly<Record<string, { readonly alerts: readonly Alert[]; readonly dropped: number }>>;
}

const fileOf = (stateDir: string) => join(stateDir, 'alerts.json');

/** Undefined where nothing was kept, or it can't be read: then everything is told anew, which `trouble` tells. */
export function readKept(stateDir: string, trouble: (why: string) => void): Kept | undefined {
  const path = fileOf(stateDir);
  try {
    const text = readIfThere(path);
    if (text === undefined) return undefined;
    const value: unknown = JSON.parse(text);
    if (isKept(value)) return value;
    trouble(`cannot use ${path}: it does not hold what this version writes there; what was told may be told again`);
  } catch (error) {
    trouble(`cannot read ${path}: ${why(error)}; what was told may be told again`);
  }
  return undefined;
}

/** Not synced: what a power cut takes is told again. Throws what the system says. */
export function saveKept(stateDir: string, kept: Kept): void {
  writeAtomic(fileOf(stateDir), `${JSON.stringify(kept)}\n`);
}

/** Times are shifted by so much (ms); none is later than `latest`, whatever was done to the clock meanwhile. */
export function shifted({ entries, about }: Saved, by: number, latest = Number.POSITIVE_INFINITY): Saved {
  const time = (at: number) => Math.min(latest, at + by);
  const entry = (one: Entry): Entry => {
    const sent = one.sent.map(time);
    if (one.state === 'calm') return { ...one, sent };
    return { ...one, sent, since: time(one.since), changed: time(one.changed), heard: time(one.heard) };
  };
  return { entries: entries.map(([key, one]) => [key, entry(one)]), about };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const STATES: readonly unknown[] = ['calm', 'rising', 'firing', 'falling'] satisfies Entry['state'][];

const isKept = (value: unknown): value is Kept =>
  isObject(value) &&
  value.version === 1 &&
  isObject(value.book) &&
  Array.isArray(value.book.entries) &&
  value.book.entries.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && isEntry(pair[1])) &&
  Array.isArray(value.book.about) &&
  value.book.about.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && Array.isArray(pair[1])) &&
  isObject(value.queues) &&
  Object.values(value.queues).every(
    (queue) =>
      isObject(queue) &&
      typeof queue.dropped === 'number' &&
      Array.isArray(queue.alerts) &&
      queue.alerts.every((alert) => isObject(alert) && typeof alert.id === 'string' && Array.isArray(alert.members)),
  );

const isEntry = (value: unknown): boolean =>
  isObject(value) &&
  STATES.includes(value.state) &&
  Array.isArray(value.sent) &&
  (value.state === 'calm' ||
    (isCondition(value.condition) &&
      (value.state === 'rising' || isCondition(value.told)) &&
      [value.since, value.changed, value.heard].every((time) => typeof time === 'number')));

const isCondition = (value: unknown): boolean =>
  isObject(value) && [value.key, value.kind, value.severity, value.title].every((text) => typeof text === 'string');
