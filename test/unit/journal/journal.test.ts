import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LARGEST } from '../../../src/journal/database.ts';
import type { NewEntry } from '../../../src/journal/entry.ts';
import { type Bounds, type Journal, openJournal } from '../../../src/journal/journal.ts';
import { readJournal, servicesInJournal } from '../../../src/journal/read.ts';
import type { Problem } from '../../../src/problem.ts';
import { until } from '../../rig/host.ts';

let stateDir: string;
let troubles: Problem[];
let open: Journal[];

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'reconciled-journal-'));
  troubles = [];
  open = [];
});
afterEach(() => {
  for (const journal of open) journal[Symbol.dispose]();
  rmSync(stateDir, { recursive: true, force: true });
});

function journalIn(folder = stateDir, stays = true, bounds: Partial<Bounds> = {}): Journal {
  const journal = openJournal({ stateDir: folder, stays, onTrouble: (problem) => troubles.push(problem), bounds });
  open.push(journal);
  return journal;
}

function close(journal: Journal): void {
  open = open.filter((one) => one !== journal);
  journal[Symbol.dispose]();
}

const BEGAN = Date.now() - 60_000;

const event = (n: number, more: Partial<NewEntry> = {}): NewEntry => ({
  at: BEGAN + n,
  kind: 'counted',
  level: 'info',
  text: `event ${n}`,
  data: { n },
  ...more,
});

const ALL = { limit: 1e9 };
const texts = (folder = stateDir) => readJournal(folder, ALL)?.entries.map(({ text }) => text);
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `event ${from + i}`);
const inDatabase = (file: string) => file.startsWith('journal.db');

describe('what is recorded', () => {
  it('can be read at once, in order, before and after it is moved into the database', async () => {
    const journal = journalIn();
    expect(readJournal(stateDir, ALL)).toBeUndefined();
    journal.record([event(1), event(2)]);
    journal.record([event(3)]);
    expect(readdirSync(stateDir)).toEqual(['journal.tail']);
    expect(texts()).toEqual(numbered(1, 3));
    await until(() => readFileSync(join(stateDir, 'journal.tail'), 'utf8') === '{"journal":1,"after":3}\n');
    journal.record([event(4)]);
    expect(texts()).toEqual(numbered(1, 4));
    close(journal);
    expect(texts()).toEqual(numbered(1, 4));
    expect(troubles).toEqual([]);
  });

  it('comes whole, and with nothing where there is nothing', () => {
    const whole: NewEntry = {
      at: BEGAN,
      run: 'r1',
      kind: 'state',
      service: 'web',
      revision: '1a2b',
      level: 'warn',
      text: 'ü\n"\u2028',
      data: { a: [null, { b: 'c' }] },
    };
    for (const stays of [false, true]) {
      close(
        (() => {
          const journal = journalIn(stateDir, stays);
          journal.record([whole, event(1)]);
          return journal;
        })(),
      );
    }
    expect(readJournal(stateDir, ALL)?.entries).toEqual([
      { id: 1, ...whole },
      { id: 2, ...event(1) },
      { id: 3, ...whole },
      { id: 4, ...event(1) },
    ]);
  });

  it('is for its owner alone', async () => {
    const journal = journalIn();
    journal.record([event(1)]);
    await until(() => readdirSync(stateDir).some(inDatabase));
    for (const file of readdirSync(stateDir)) expect(statSync(join(stateDir, file)).mode & 0o777, file).toBe(0o600);
  });

  it('of one service comes with all its instances, and of a run as asked', async () => {
    const journal = journalIn();
    const names = ['web', 'web@1', 'web@12', 'web2', 'we', 'webA', undefined];
    journal.record(names.map((service, n) => event(n, service === undefined ? { run: 'r' } : { service, run: 'r' })));
    const found = () => [
      readJournal(stateDir, { services: ['web'], limit: 9 })?.entries.map(({ data }) => (data as { n: number }).n),
      readJournal(stateDir, { services: ['web@1'], limit: 9 })?.entries.map(({ data }) => (data as { n: number }).n),
      readJournal(stateDir, { runs: ['r'], limit: 9 })?.entries.map(({ data }) => (data as { n: number }).n),
      readJournal(stateDir, { since: BEGAN + 5, limit: 2 })?.entries.map(({ data }) => (data as { n: number }).n),
    ];
    const wanted = [[0, 1, 2], [1], [6], [5, 6]];
    expect(found()).toEqual(wanted);
    close(journal);
    expect(readFileSync(join(stateDir, 'journal.tail'), 'utf8').split('\n')).toHaveLength(2);
    expect(found()).toEqual(wanted);
    expect(servicesInJournal(stateDir)).toEqual(['we', 'web', 'web2', 'web@1', 'web@12', 'webA']);
  });

  it('of whoever applies once and ends stays in the tail, until that is long', () => {
    const bounds = { tail: 2000 };
    for (let n = 1; n <= 10; n += 1) {
      const journal = journalIn(stateDir, false, bounds);
      journal.record([event(n)]);
      close(journal);
      expect(readdirSync(stateDir)).toEqual(['journal.tail']);
    }
    const journal = journalIn(stateDir, false, bounds);
    for (let n = 11; n <= 40; n += 1) journal.record([event(n)]);
    close(journal);
    expect(readdirSync(stateDir).some(inDatabase)).toBe(true);
    expect(statSync(join(stateDir, 'journal.tail')).size).toBeLessThan(40);
    const next = journalIn(stateDir, false, bounds);
    next.record([event(41)]);
    close(next);
    expect(texts()).toEqual(numbered(1, 41));
    expect(readJournal(stateDir, ALL)?.entries.at(-1)?.id).toBe(41);
  });

  it('is cut where one event would take the room of a thousand', () => {
    const journal = journalIn();
    journal.record([event(1, { text: 'x'.repeat(10_000), data: { long: 'y'.repeat(20_000) } })]);
    const [entry] = readJournal(stateDir, ALL)?.entries ?? [];
    expect(entry?.text).toHaveLength(4001);
    expect(entry?.data).toEqual({ leftOut: 20_011 });
  });
});

describe('the bounds', () => {
  it('end what is too old', () => {
    const journal = journalIn();
    const now = Date.now();
    const day = 86_400_000;
    journal.record([91, 90.5, 89, 0].map((days, n) => event(n, { at: now - days * day })));
    close(journal);
    expect(texts()).toEqual(['event 2', 'event 3']);
  });

  it('keep the newest where there would be too much, and the file within its size', () => {
    const largest = 1_000_000;
    const journal = journalIn(stateDir, true, { largest });
    const wide = { text: 'w'.repeat(500) };
    const at = Date.now();
    for (let n = 1; n <= 30_000; n += 1) journal.record([event(n, { at, ...wide })]);
    close(journal);
    const kept = readJournal(stateDir, ALL)?.entries ?? [];
    expect(kept.at(-1)?.id).toBe(30_000);
    expect(kept.map(({ id }) => id)).toEqual(kept.map((_, i) => 30_000 - kept.length + 1 + i));
    // What is deleted in one piece, and what came since it was last looked at.
    expect(statSync(join(stateDir, 'journal.db')).size).toBeLessThan(12_000_000);
    expect(kept.length * 600).toBeLessThan(largest + 2000 * 600);
    expect(LARGEST).toBe(50_000_000);
  }, 60_000);
});

describe('what is damaged', () => {
  const damaged = () => readdirSync(stateDir).filter((file) => /^journal\.db\.damaged-[0-9TZ-]+$/.test(file));

  it('is no database: it is moved aside, told once, and begun anew', () => {
    writeFileSync(join(stateDir, 'journal.db'), 'no database at all, but some text that is long enough'.repeat(100));
    expect(readJournal(stateDir, ALL)?.problem?.summary).toMatch(
      /^cannot read the journal .*: file is not a database$/,
    );
    const journal = journalIn();
    journal.record([event(1)]);
    close(journal);
    expect(texts()).toEqual(['event 1']);
    expect(damaged()).toHaveLength(1);
    expect(troubles).toEqual([
      {
        code: 'journal-damaged',
        summary: 'the journal was damaged (file is not a database) and is begun anew',
        hint: `nothing else is affected; the old one is kept as ${join(stateDir, damaged()[0] ?? '')}`,
      },
    ]);
  });

  it('has pages that make no sense: found when a daemon begins, and moved aside', () => {
    const first = journalIn();
    for (let n = 1; n <= 2000; n += 1)
      first.record([event(n, { service: `s${n}`, text: 'w'.repeat(200), at: Date.now() })]);
    close(first);
    const path = join(stateDir, 'journal.db');
    const bytes = readFileSync(path);
    bytes.fill(0xff, 5 * 4096, 60 * 4096);
    writeFileSync(path, bytes);
    const journal = journalIn();
    journal.record([event(2001)]);
    close(journal);
    expect(texts()).toEqual(['event 2001']);
    expect(damaged()).toHaveLength(1);
    expect(troubles.map(({ code }) => code)).toEqual(['journal-damaged']);
  });

  it('has no tail any more to say where to go on, and is damaged: it is begun anew all the same', () => {
    writeFileSync(join(stateDir, 'journal.db'), 'no database at all');
    const journal = journalIn(stateDir, false);
    journal.record([event(1)]);
    close(journal);
    expect(texts()).toEqual(['event 1']);
    expect(servicesInJournal(stateDir)).toEqual([]);
    expect(troubles.map(({ code }) => code)).toEqual(['journal-damaged']);
  });

  it('was only being made when its writer was killed: it is empty to whoever reads, and made by whoever writes', () => {
    const made = join(stateDir, 'made.db');
    const db = new DatabaseSync(made);
    db.exec('PRAGMA cache_size = 1; BEGIN; CREATE TABLE t (x)');
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    for (let n = 0; n < 1000; n += 1) insert.run('x'.repeat(1000));
    // As they lie there at a kill.
    for (const end of ['', '-journal']) copyFileSync(made + end, join(stateDir, `journal.db${end}`));
    db.close();
    writeFileSync(join(stateDir, 'journal.tail'), '{"journal":1,"after":0}\n');
    expect(readJournal(stateDir, ALL)).toEqual({ entries: [], more: false });
    const journal = journalIn();
    journal.record([event(1)]);
    close(journal);
    expect(texts()).toEqual(['event 1']);
    expect(troubles).toEqual([]);
  });

  it('was removed under the daemon: it goes on with a new one', async () => {
    const journal = journalIn();
    journal.record([event(1)]);
    await until(() => readdirSync(stateDir).includes('journal.db'));
    for (const file of readdirSync(stateDir)) rmSync(join(stateDir, file));
    journal.record([event(2)]);
    await until(() => readdirSync(stateDir).includes('journal.db'));
    journal.record([event(3)]);
    expect(texts()).toEqual(['event 2', 'event 3']);
    expect(troubles).toEqual([]);
  });

  it('is the tail: what can be read of it counts', () => {
    const first = journalIn(stateDir, false);
    for (let n = 1; n <= 5; n += 1) first.record([event(n)]);
    close(first);
    const path = join(stateDir, 'journal.tail');
    // A line half written, as after a kill.
    truncateSync(path, statSync(path).size - 10);
    expect(texts()).toEqual(numbered(1, 4));
    const second = journalIn(stateDir, false);
    second.record([event(6)]);
    close(second);
    expect(texts()).toEqual([...numbered(1, 4), 'event 6']);
    // Zeros, as after a power cut.
    const bytes = readFileSync(path);
    bytes.fill(0, 0, bytes.indexOf(10) + 20);
    writeFileSync(path, bytes);
    expect(texts()).toEqual([...numbered(2, 4), 'event 6']);
    const third = journalIn();
    third.record([event(7)]);
    close(third);
    expect(texts()).toEqual([...numbered(2, 4), 'event 6', 'event 7']);
    expect(troubles).toEqual([]);
  });

  it('is older than the database, put back by somebody: nothing is lost and nothing comes twice', () => {
    const path = join(stateDir, 'journal.tail');
    const first = journalIn(stateDir, false);
    first.record([event(1), event(2)]);
    close(first);
    const old = readFileSync(path);
    const second = journalIn();
    second.record([event(3), event(4)]);
    close(second);
    writeFileSync(path, old);
    const third = journalIn(stateDir, false);
    third.record([event(5)]);
    close(third);
    expect(texts()?.sort()).toEqual(numbered(1, 5));
    const fourth = journalIn();
    fourth.record([event(6)]);
    close(fourth);
    expect(texts()).toEqual(numbered(1, 6));
  });
});

const isRoot = process.getuid?.() === 0;

describe('where nothing can be written', () => {
  it.skipIf(!isRoot)('on a full disk, it waits in memory, is told once, and written once there is room', async () => {
    const disk = join(stateDir, 'disk');
    mkdirSync(disk);
    await run('mount', '-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk);
    try {
      const journal = journalIn(disk, true, { again: 50 });
      journal.record([event(1)]);
      await until(() => readdirSync(disk).includes('journal.db'));
      fill(join(disk, 'filler'));
      for (let n = 2; n <= 300; n += 1) {
        journal.record([event(n)]);
        if (n % 50 === 0) await sleep(100);
      }
      expect(troubles).toHaveLength(1);
      expect(troubles[0]?.summary).toMatch(
        /^cannot write the journal in .*: (no space left on the device|database or disk is full)$/,
      );
      expect(troubles[0]?.hint).toMatch(/^nothing else is affected/);
      const before = texts(disk) ?? [];
      expect(before).toEqual(numbered(1, before.length));
      rmSync(join(disk, 'filler'));
      await until(() => texts(disk)?.length === 300);
      journal.record([event(301)]);
      expect(texts(disk)).toEqual(numbered(1, 301));
      // Full again, it is told again: it had been well between.
      fill(join(disk, 'filler'));
      for (let n = 302; n <= 900; n += 1) journal.record([event(n)]);
      await sleep(400);
      expect(troubles).toHaveLength(2);
      close(journal);
      rmSync(join(disk, 'filler'));
      const next = journalIn(disk);
      next.record([event(1000)]);
      const kept = texts(disk) ?? [];
      expect(kept.at(-1)).toBe('event 1000');
      expect(kept.slice(0, -1)).toEqual(numbered(1, kept.length - 1));
      close(next);
    } finally {
      // Lazily: where the test failed, its journal is still open.
      await run('umount', '-l', disk);
    }
  });

  it('no more waits than there is room for: the newest, and how many are missing is recorded', async () => {
    const folder = join(stateDir, 'not-yet');
    const journal = journalIn(folder, true, { waiting: 100, again: 20 });
    for (let n = 1; n <= 500; n += 1) journal.record([event(n)]);
    expect(troubles).toEqual([
      {
        code: 'journal',
        summary: `cannot write the journal in ${folder}: no such file or directory`,
        hint: 'nothing else is affected; what happens meanwhile is kept in memory, and written once that is mended',
      },
    ]);
    mkdirSync(folder);
    await until(() => texts(folder)?.length === 101);
    expect(texts(folder)).toEqual([
      ...numbered(401, 500),
      '400 events could not be kept while the journal could not be written',
    ]);
  });

  it.skipIf(!isRoot)('on a read-only file system it is read all the same, and written nowhere', async () => {
    const disk = join(stateDir, 'disk');
    mkdirSync(disk);
    const first = journalIn(disk);
    first.record([event(1)]);
    close(first);
    await run('mount', '--bind', disk, disk);
    try {
      await run('mount', '-o', 'remount,ro,bind', disk);
      expect(texts(disk)).toEqual(['event 1']);
      const journal = journalIn(disk);
      journal.record([event(2)]);
      expect(troubles.map(({ summary }) => summary)).toEqual([
        `cannot write the journal in ${disk}: the file system is read-only`,
      ]);
      expect(texts(disk)).toEqual(['event 1']);
      await run('mount', '-o', 'remount,rw,bind', disk);
      close(journal);
      expect(texts(disk)).toEqual(['event 1', 'event 2']);
    } finally {
      // Lazily: where the test failed, its journal is still open.
      await run('umount', '-l', disk);
    }
  });

  // Nothing is closed to root.
  const asNobody = isRoot ? () => undefined : it;
  asNobody('in a folder that others own, it waits', () => {
    chmodSync(stateDir, 0o500);
    const journal = journalIn();
    journal.record([event(1)]);
    expect(troubles).toHaveLength(1);
    chmodSync(stateDir, 0o700);
    close(journal);
    expect(texts()).toEqual(['event 1']);
  });
});

describe('a writer that is killed at any moment', () => {
  const ROUNDS = { '1': 200, reduced: 20 }[process.env.RECONCILED_LONG ?? ''] ?? 12;
  const writer = new URL('../../rig/journal/writer.ts', import.meta.url).pathname;

  it.each(['stays', 'once'])(
    'loses at most the event that it was recording (%s)',
    async (mode) => {
      let recorded = 0;
      let folder = '';
      for (let round = 0; round < ROUNDS; round += 1) {
        // Now and then another, lest to read it all takes longer than to write it.
        if (round % 10 === 0) folder = mkdtempSync(join(stateDir, 'killed-'));
        const before = readJournal(folder, ALL)?.entries.length ?? 0;
        const child = spawn(process.execPath, [writer, folder, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
          said += chunk;
        });
        await until(() => said.includes('\n'));
        await sleep(Math.random() * 400);
        child.kill('SIGKILL');
        await once(child, 'close');
        const begun = Number(said.trimEnd().split('\n').at(-1));
        const { entries, problem } = readJournal(folder, ALL) ?? { entries: [] };
        expect(problem).toBeUndefined();
        const own = entries.slice(before).map(({ data }) => (data as { n: number }).n);
        expect(own).toEqual(own.map((_, i) => i + 1));
        expect(own.length, `of ${begun}`).toBeGreaterThanOrEqual(begun - 1);
        expect(entries.map(({ id }) => id)).toEqual(entries.map((_, i) => i + 1));
        recorded += own.length;
      }
      expect(recorded).toBeGreaterThan(ROUNDS);
    },
    900_000,
  );

  it('can be read all the while', async () => {
    const child = spawn(process.execPath, [writer, stateDir, 'stays', '5000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    child.stdout.resume();
    let over = false;
    ended.then(() => {
      over = true;
    });
    let most = 0;
    while (!over) {
      const { entries, problem } = readJournal(stateDir, ALL) ?? { entries: [] };
      expect(problem).toBeUndefined();
      expect(entries.map(({ id }) => id)).toEqual(entries.map((_, i) => i + 1));
      expect(entries.length).toBeGreaterThanOrEqual(most);
      most = entries.length;
      await sleep(5);
    }
    expect(readJournal(stateDir, ALL)?.entries).toHaveLength(5000);
  }, 60_000);
});

function fill(path: string): void {
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // Smaller pieces, until not one byte goes in.
    }
  }
}

async function run(...[command = '', ...args]: readonly string[]): Promise<void> {
  const [code] = await once(spawn(command, args, { stdio: 'inherit' }), 'exit');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
}
