import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import type { PolicyFile } from '../desired/generated/policy.ts';
import { takeLock } from '../host/lock.ts';
import type { Service, ServiceId } from '../model.ts';
import { Failure, why } from '../problem.ts';
import { parseDuration } from '../units.ts';

/** That a person wants a service left alone, whatever happens to it, for a while. Times are ms since the epoch. */
export interface PersonHold {
  /** A service, or one of its instances. */
  readonly name: string;
  readonly by: string;
  readonly why: string;
  readonly since: number;
  readonly until: number;
}

/** More at a time are nobody's intention. */
export const MOST_HOLDS = 1000;
/** ms */
const PATIENCE = 10_000;

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'holds.json');

/** All of them, those too whose time is over and that nobody has cleared away yet. */
export function readHolds(stateDir: string): readonly PersonHold[] {
  return readDecision(fileOf(stateDir), isHolds) ?? [];
}

const isHolds = (value: unknown): value is readonly PersonHold[] =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isObject(one) &&
      [one.name, one.by, one.why].every((text) => typeof text === 'string') &&
      [one.since, one.until].every((time) => typeof time === 'number'),
  );

/** Changes them, one after another with whoever else does. `next` gives what it was given where nothing is to change. */
export async function changeHolds(
  stateDir: string,
  next: (before: readonly PersonHold[]) => readonly PersonHold[],
): Promise<readonly PersonHold[]> {
  const path = join(stateDir, 'decisions', 'holds.lock');
  const holder = { pid: process.pid, role: 'apply', desiredState: '', since: new Date().toISOString() } as const;
  try {
    using lock = await takeLock(path, holder, PATIENCE);
    if (lock === undefined) throw new Error('somebody else is about to');
    const before = readHolds(stateDir);
    const after = next(before);
    if (after !== before) writeDecision(fileOf(stateDir), after);
    return after;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const summary = `cannot change what is left alone: ${path}: ${why(error)}`;
    const hint = 'only whoever owns that folder may: root, or the user whose services these are';
    throw new Failure({ code: 'decisions-unwritable', summary, hint });
  }
}

/** One that is held again is so as it was said last. */
export function heldAlso(before: readonly PersonHold[], more: readonly PersonHold[]): readonly PersonHold[] {
  const names = new Set(more.map(({ name }) => name));
  return [...before.filter(({ name }) => !names.has(name)), ...more].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A service by what it can be named by. */
export type Named = Pick<Service, 'name'> & Partial<Pick<Service, 'id' | 'formerly'>>;

/** Also by a name that it had before: of its instance, where it is one. */
export function isHeldBy({ name: held }: Pick<PersonHold, 'name'>, { name, id, formerly = [] }: Named): boolean {
  const [, number] = id?.split('@') ?? [];
  const was = number === undefined ? [] : formerly.map((former) => `${former}@${number}`);
  return held === name || held === id || formerly.includes(held) || was.includes(held);
}

/** What holds a service now, and for longest. */
export function holdOn(holds: readonly PersonHold[], service: Named, now: number): PersonHold | undefined {
  return longest(holds.filter((hold) => hold.until > now && isHeldBy(hold, service)));
}

/** What held it last, and is over. */
export function overHold(holds: readonly PersonHold[], service: Named, now: number): PersonHold | undefined {
  return longest(holds.filter((hold) => hold.until <= now && isHeldBy(hold, service)));
}

function longest(holds: readonly PersonHold[]): PersonHold | undefined {
  return holds.reduce<PersonHold | undefined>((a, b) => (a === undefined || b.until > a.until ? b : a), undefined);
}

/** The ids of what is held of these. Where it can't be read nothing is: what runs is kept running. */
export function heldIds(stateDir: string, services: readonly Named[], id: ServiceId, now: number): boolean {
  try {
    const holds = readHolds(stateDir);
    if (holds.length === 0) return false;
    const service = services.find((one) => one.id === id) ?? { name: id.split('@')[0] ?? id, id };
    return holdOn(holds, service, now) !== undefined;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

/** How long (ms) what a person does is left so, and how long before the end that is told. */
export interface HoldTimes {
  readonly long: number;
  readonly warn: number;
}

export function holdTimes({ holds }: Pick<PolicyFile, 'holds'>): HoldTimes {
  return {
    long: parseDuration(holds?.for ?? '1h') ?? 3_600_000,
    warn: parseDuration(holds?.warn ?? '5m') ?? 300_000,
  };
}

/** When its end is told: so long before, or half-way where it is not as long as that. */
export function warnAt({ since, until }: Pick<PersonHold, 'since' | 'until'>, { warn }: HoldTimes): number {
  return until - warn > since ? until - warn : since + (until - since) / 2;
}
