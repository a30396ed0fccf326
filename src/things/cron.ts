import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { editFile, fromBytes, readBytes, toBytes } from '../supervisors/shared/edit.ts';
import { demandOwner } from '../supervisors/shared/taken-marks.ts';
import { attempt, problemOf } from '../supervisors/shared/takings.ts';
import { TAKEN_DONE, type Taker, type Taking } from '../supervisors/taker.ts';
import { nameOfThing, type Taken, type Thing, type ThingState } from '../thing.ts';
import { type Entry, entriesOf, giveLines, keyOf, takeLines } from './crontab.ts';

export type CronThing = Extract<Thing, { kind: 'cron' }>;

export interface CronTakerOptions {
  /** Where the host's files are: `/`, but for tests. */
  readonly root?: string;
}

/**
 * Takes lines of crontabs: of the host and of its users, wherever they stand. A schedule runs nothing by itself, and so to
 * block it is to disable it: the line becomes a comment that holds it, and who has taken it for what; after a boot as
 * well. What it has started already are not its processes: a job ends by itself.
 */
export function createCronTaker({ root = '/' }: CronTakerOptions = {}): Taker<CronThing> {
  const take = async (thing: CronThing, taken: Taken): Promise<Taking> =>
    attempt(`cannot take ${nameOfThing(thing)}`, () => {
      const key = keyFor(thing);
      const found = tabsOf(root);
      for (const { path, entries } of found) {
        if (!entries.some((entry) => keyOf(entry.text) === key && entry.taken === undefined)) continue;
        const before = entries.find((entry) => keyOf(entry.text) === key && entry.taken !== undefined);
        demandOwner(thing, before?.taken, taken);
        editFile(path, (bytes) => takeLines(bytes, key, taken));
      }
    });

  return {
    look: async (things) => {
      let tabs: readonly Tab[];
      try {
        tabs = tabsOf(root);
      } catch (error) {
        const problem = problemOf('cannot look for lines of crontabs', error);
        return things.map(() => ({ kind: 'unreadable', problem }));
      }
      return things.map((thing) => stateOf(tabs, keyFor(thing)));
    },

    taken: async (owner) => {
      const found = new Map<string, { readonly thing: CronThing; readonly taken: Taken }>();
      for (const { entries } of readableTabs(root)) {
        for (const { text, taken } of entries) {
          if (taken?.owner !== owner) continue;
          found.set(keyOf(text), { thing: { kind: 'cron', line: fromBytes(text).trim() }, taken });
        }
      }
      return [...found.values()];
    },

    block: take,
    stop: async () => ({ kind: 'gone' }),
    disable: take,
    // Nobody starts a line of a crontab by hand: there is nothing between a schedule and none.
    unblock: async () => TAKEN_DONE,

    restore: async (thing, { owner }) =>
      attempt(`cannot give ${nameOfThing(thing)} back`, () => {
        for (const { path, entries } of tabsOf(root)) {
          if (!entries.some(({ taken }) => taken?.owner === owner)) continue;
          editFile(path, (bytes) => giveLines(bytes, keyFor(thing), owner));
        }
      }),
  };
}

interface Tab {
  readonly path: string;
  readonly entries: readonly Entry[];
}

function keyFor({ line }: CronThing): string {
  return keyOf(toBytes(line));
}

function stateOf(tabs: readonly Tab[], key: string): ThingState {
  const found = tabs.flatMap(({ path, entries }) =>
    entries.filter(({ text }) => keyOf(text) === key).map((entry) => ({ ...entry, where: `${path}:${entry.line}` })),
  );
  if (found.length === 0) return { kind: 'absent' };
  const enabled = found.some(({ taken }) => taken === undefined);
  const taken = found.find((entry) => entry.taken !== undefined)?.taken;
  return {
    kind: 'there',
    processes: [],
    enabled,
    ...(enabled || taken === undefined ? {} : { blocked: 'for-good' }),
    ...(taken === undefined ? {} : { taken }),
    where: found.map(({ where }) => where).join(', '),
  };
}

/** Crontabs of a host, where cron has them: `SINGLE` a file, the others folders of them. */
const SINGLE = 'etc/crontab';
const FOLDERS = ['etc/cron.d', 'var/spool/cron/crontabs', 'var/spool/cron/tabs', 'var/spool/cron'];

/** What editors and package managers leave there, and no cron reads. */
const NO_TAB = /^[.#]|~$|\.rpm(save|orig|new)$|\.dpkg-\w+$|^tmp\./;

/** Throws where one can't be read: a line that is not found might stand there. */
function tabsOf(root: string): readonly Tab[] {
  return [join(root, SINGLE), ...FOLDERS.flatMap((name) => pathsIn(join(root, name)))].flatMap(tabIn);
}

/** Those that can be read. */
function readableTabs(root: string): readonly Tab[] {
  const folders = FOLDERS.map((name) => join(root, name));
  const paths = [join(root, SINGLE), ...folders.flatMap((folder) => orNone(() => pathsIn(folder)))];
  return paths.flatMap((path) => orNone(() => tabIn(path)));
}

function pathsIn(folder: string): readonly string[] {
  const names = ifThere(folder, () => readdirSync(folder)) ?? [];
  return names
    .filter((name) => !NO_TAB.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** None where there is no such file, or something else. */
function tabIn(path: string): readonly Tab[] {
  const bytes = ifThere(path, () => (statSync(path).isFile() ? readBytes(path) : undefined));
  return bytes === undefined ? [] : [{ path, entries: entriesOf(bytes) }];
}

function ifThere<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw Object.assign(error as Error, { path });
  }
}

function orNone<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
