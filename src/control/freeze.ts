import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import type { Subject } from '../planner/control.ts';
import { appliesTo } from './names.ts';

/**
 * That a person wants nothing changed, for a while or until it is lifted. Supervision goes on. Times are ms since the epoch.
 */
export interface Freeze {
  /** A service, `GROUP:*` for all of a group, or `*` for everything. */
  readonly name: string;
  /** Of a group: its services when it was frozen. Git may have them no more, or elsewhere, by now. */
  readonly members?: readonly string[];
  readonly by: string;
  readonly why: string;
  readonly since: number;
  /** Absent: until it is lifted. */
  readonly until?: number;
}

/** More at a time are nobody's intention. */
export const MOST_FREEZES = 1000;

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'freeze.json');

/** Those in force, by name. */
export function readFreezes(stateDir: string, now: number): readonly Freeze[] {
  const all = readDecision(fileOf(stateDir), isFreezes) ?? [];
  return all.filter(({ until }) => until === undefined || until > now);
}

/** Those in force from now on; what has ended is forgotten. */
export function saveFreezes(stateDir: string, freezes: readonly Freeze[]): void {
  writeDecision(
    fileOf(stateDir),
    [...freezes].sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

const isFreezes = (value: unknown): value is readonly Freeze[] =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isObject(one) &&
      [one.name, one.by, one.why].every((text) => typeof text === 'string') &&
      typeof one.since === 'number' &&
      (one.until === undefined || typeof one.until === 'number') &&
      (one.members === undefined ||
        (Array.isArray(one.members) && one.members.every((name) => typeof name === 'string'))),
  );

/** What freezes a service, and for longest. */
export function freezeOf(freezes: readonly Freeze[], service: Subject): Freeze | undefined {
  const own = freezes.filter(({ name, members = [] }) => name === '*' || appliesTo([name, ...members], service));
  const end = ({ until = Number.POSITIVE_INFINITY }: Freeze) => until;
  return own.reduce<Freeze | undefined>((a, b) => (a === undefined || end(b) > end(a) ? b : a), undefined);
}

/** What is frozen besides: one that is frozen again is so as it was said last. */
export function frozenAlso(before: readonly Freeze[], more: readonly Freeze[]): readonly Freeze[] {
  const names = new Set(more.map(({ name }) => name));
  return [...before.filter(({ name }) => !names.has(name)), ...more];
}

/** When the first of them ends (ms since the epoch). */
export function nextThaw(freezes: readonly Freeze[]): number | undefined {
  const ends = freezes.flatMap(({ until }) => (until === undefined ? [] : [until]));
  return ends.length === 0 ? undefined : Math.min(...ends);
}
