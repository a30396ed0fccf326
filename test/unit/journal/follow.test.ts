import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NewEntry } from '../../../src/journal/entry.ts';
import { chooser, type EventsWanted, readEvents } from '../../../src/journal/events.ts';
import { followJournal } from '../../../src/journal/follow.ts';
import { type Bounds, openJournal } from '../../../src/journal/journal.ts';
import { readJournal } from '../../../src/journal/read.ts';

let folder: string;
let stateDir: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-follow-'));
  stateDir = join(folder, 'state');
  mkdirSync(stateDir);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (text: string, more: Partial<NewEntry> = {}): NewEntry => ({
  ...{ at: Date.now(), kind: 'state', level: 'info', data: {}, text },
  ...more,
});

const journal = (stays = false, bounds: Partial<Bounds> = {}) =>
  openJournal({
    ...{ stateDir, stays, bounds },
    onTrouble: (problem) => {
      throw new Error(problem.summary);
    },
  });

function record(...texts: readonly string[]): void {
  using one = journal();
  one.record(texts.map((text) => entry(text)));
}

/** Takes what comes until there are so many. */
function collect(comes: (signal: AbortSignal) => AsyncIterable<readonly { readonly text: string }[]>) {
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  const abort = new AbortController();
  const ended = (async () => {
    for await (const entries of comes(abort.signal)) {
      seen.push(...entries.map(({ text }) => text));
      for (const check of waiting) check();
    }
  })();
  return {
    seen,
    until: (count: number) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (seen.length >= count) resolve();
        };
        waiting.push(check);
        check();
      }),
    end: async () => {
      abort.abort();
      await ended;
    },
  };
}

it('tells what is recorded as it comes, whoever records it, each once', async () => {
  record('one', 'two');
  const follow = collect((signal) => followJournal(stateDir, 1, signal));
  await follow.until(1);
  record('three');
  await follow.until(2);
  {
    // A daemon, which moves them into the database as they come.
    using daemon = journal(true);
    daemon.record([entry('four')]);
    await follow.until(3);
    for (let i = 0; i < 3000; i += 1) daemon.record([entry(`n${i}`)]);
  }
  record('last');
  await follow.until(3004);
  await follow.end();
  expect(follow.seen).toEqual(['two', 'three', 'four', ...Array.from({ length: 3000 }, (_, i) => `n${i}`), 'last']);
});

it('reads from the database what the tail has no more', async () => {
  {
    using daemon = journal(true);
    daemon.record(Array.from({ length: 12_000 }, (_, i) => entry(`n${i}`)));
  }
  const follow = collect((signal) => followJournal(stateDir, 10, signal));
  await follow.until(11_990);
  await follow.end();
  expect(follow.seen).toEqual(Array.from({ length: 11_990 }, (_, i) => `n${i + 10}`));
});

it('waits for a folder that is not there yet, and goes on where all was taken away', async () => {
  rmSync(stateDir, { recursive: true });
  const follow = collect((signal) => followJournal(stateDir, 0, signal));
  mkdirSync(stateDir);
  record('first', 'second');
  await follow.until(2);
  rmSync(stateDir, { recursive: true });
  mkdirSync(stateDir);
  record('anew');
  await follow.until(3);
  await follow.end();
  expect(follow.seen).toEqual(['first', 'second', 'anew']);
});

it('ends at once where it is told to, also while it waits', async () => {
  record('one');
  const follow = collect((signal) => followJournal(stateDir, 1, signal));
  await follow.end();
  expect(follow.seen).toEqual([]);
});

it('tells what there is, then what comes, and nothing twice', async () => {
  record('one', 'two', 'three');
  const { past, next } = readEvents(stateDir, { limit: 2 });
  expect(past?.entries.map(({ text }) => text)).toEqual(['two', 'three']);
  record('four');
  const follow = collect(next);
  await follow.until(1);
  await follow.end();
  expect(follow.seen).toEqual(['four']);
  expect(readEvents(stateDir, { limit: 0 }).past?.entries).toEqual([]);
  const again = readEvents(stateDir, { after: 1, limit: 1 });
  expect(again.past?.entries.map(({ text }) => text)).toEqual(['two']);
  const later = collect(again.next);
  await later.until(2);
  await later.end();
  expect(later.seen).toEqual(['three', 'four']);
});

it('tells of some services alone, with what caused a run before the first of it', async () => {
  using one = journal();
  const all = [
    entry('run a', { kind: 'planned', run: 'a' }),
    entry('api', { service: 'api', run: 'a' }),
    entry('run b', { kind: 'planned', run: 'b' }),
    entry('api', { service: 'api', run: 'b' }),
    entry('web@1', { service: 'web@1', run: 'b' }),
    entry('web', { service: 'web', run: 'b' }),
    entry('of all'),
    entry('web later', { service: 'web' }),
  ];
  one.record(all);
  const texts = (wanted: EventsWanted) => readEvents(stateDir, wanted).past?.entries.map(({ text }) => text);
  const told = ['run b', 'web@1', 'web', 'web later'];
  expect(texts({ services: ['web'], limit: 10 })).toEqual(told);
  expect(texts({ services: ['web@1', 'nothing'], limit: 10 })).toEqual(['run b', 'web@1']);
  const many = Array.from({ length: 2000 }, (_, i) => `s${i}`);
  expect(texts({ services: [...many, 'web'], limit: 10 })).toEqual(told);
  const entries = readJournal(stateDir, { limit: 100 })?.entries ?? [];
  expect(chooser(['web'])(entries).map(({ text }) => text)).toEqual(told);
  expect(chooser([])(entries)).toHaveLength(all.length);
});

it('finds those of many services in the database too', () => {
  {
    using daemon = journal(true);
    daemon.record([entry('a', { service: 'web@2' }), entry('b', { service: 'api' }), entry('c', { service: 'webs' })]);
  }
  const many = Array.from({ length: 2000 }, (_, i) => `s${i}`);
  const texts = (services: readonly string[]) =>
    readJournal(stateDir, { services, limit: 9 })?.entries.map(({ text }) => text);
  expect([texts([...many, 'web']), texts(['web', 'api']), texts([...many, 'web@2'])]).toEqual([
    ['a'],
    ['a', 'b'],
    ['a'],
  ]);
});
