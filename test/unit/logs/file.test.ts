import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LogFile } from '../../../src/logs/file.ts';

const BLOCK = 4096;
const folder = mkdtempSync(join(tmpdir(), 'reconciled-file-'));
const logs: Staged[] = [];

afterAll(() => {
  for (const log of logs) log[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** A log that is read while it is rotated as we do it, one step after the other: a copy to FILE.1, then a hole that grows. */
class Staged implements Disposable {
  readonly path = join(mkdtempSync(join(folder, '_')), 'a.log');
  readonly told: string[] = [];
  readonly lines: string[] = [];
  #written = 0;
  #file: LogFile;

  constructor() {
    writeFileSync(this.path, '');
    this.#file = new LogFile(this.path, ({ summary }) => this.told.push(summary));
    logs.push(this);
  }

  /** Up to a size, which need not be a line's end. */
  grow(size: number): void {
    let text = '';
    const first = Math.floor(this.#written / 11);
    for (let i = first; i * 11 < size; i += 1) text += `${String(i).padStart(10, '0')}\n`;
    appendFileSync(this.path, text.slice(this.#written - first * 11, size - first * 11));
    this.#written = size;
  }

  copy(from: number, to: number): void {
    let last = 1;
    while (existsSync(`${this.path}.${last}`)) last += 1;
    for (let i = last; i > 1; i -= 1) renameSync(`${this.path}.${i - 1}`, `${this.path}.${i}`);
    writeFileSync(`${this.path}.1`, readFileSync(this.path).subarray(from, to));
  }

  /** What is read of a hole is zeros. */
  punch(to: number): void {
    const fd = openSync(this.path, 'r+');
    writeSync(fd, Buffer.alloc(to), 0, to, 0);
    closeSync(fd);
  }

  collapse(length: number): void {
    const rest = readFileSync(this.path).subarray(length);
    truncateSync(this.path);
    appendFileSync(this.path, rest);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  read(): void {
    for (let i = 0; i < 50; i += 1) this.lines.push(...(this.#file.read() ?? []));
  }

  get wrong(): string | undefined {
    const wrong = this.lines.findIndex((line, i) => line !== String(i).padStart(10, '0'));
    if (wrong !== -1) return `line ${wrong}: ${JSON.stringify(this.lines.slice(Math.max(0, wrong - 1), wrong + 2))}`;
    const whole = Math.floor(this.#written / 11);
    return this.lines.length === whole ? undefined : `${this.lines.length} of ${whole} lines`;
  }
}

describe('a hole that is still being made when it is first seen', () => {
  const places = [
    ['far behind the one before', 100 * BLOCK + 10],
    ['a little behind the one before', 50 * BLOCK + 2000],
    ['a few bytes behind the one before', 50 * BLOCK + 5],
    ['at the end of the one before', 50 * BLOCK],
  ] as const;
  const holes = [51, 60, 100, 101, 102, 199, 200];

  it.each(places.flatMap(([name, at]) => holes.map((hole) => [name, hole, at] as const)))(
    'is waited for, reading %s, at block %i',
    (_name, hole, at) => {
      const log = new Staged();
      log.grow(50 * BLOCK);
      log.copy(0, 50 * BLOCK);
      log.punch(50 * BLOCK);
      log.grow(at);
      log.read();
      log.grow(200 * BLOCK + 7);
      log.copy(50 * BLOCK, 200 * BLOCK);
      for (const now of [hole, Math.min(200, hole + 1), 200]) {
        log.punch(now * BLOCK);
        log.read();
      }
      log.grow(201 * BLOCK);
      log.read();
      expect([log.wrong, log.told]).toEqual([undefined, []]);
    },
  );

  const first = [0, 5, 3 * BLOCK, 3 * BLOCK + 100, 3 * BLOCK + 2000];
  it.each(first.flatMap((at) => [1, 3, 4, 5, 8, 9].map((hole) => [at, hole])))(
    'is waited for, the first one, reading at %i, at block %i',
    (at, hole) => {
      const log = new Staged();
      log.grow(at);
      log.read();
      log.grow(9 * BLOCK + 7);
      log.copy(0, 9 * BLOCK);
      for (const now of [hole, Math.min(9, hole + 1), 9]) {
        log.punch(now * BLOCK);
        log.read();
      }
      log.grow(10 * BLOCK);
      log.read();
      expect([log.wrong, log.told]).toEqual([undefined, []]);
    },
  );
});

it('is read on behind a few bytes that stand at the begin of what was cut out, and of what was not', () => {
  const log = new Staged();
  log.grow(5);
  log.read();
  log.grow(9 * BLOCK + 7);
  log.copy(0, 9 * BLOCK);
  log.read();
  log.collapse(9 * BLOCK);
  log.read();
  log.grow(10 * BLOCK);
  log.read();
  expect([log.wrong, log.told]).toEqual([undefined, []]);
});

it('tells that what was cut out is nowhere, once', () => {
  const log = new Staged();
  log.grow(BLOCK);
  log.read();
  log.grow(30 * BLOCK + 7);
  log.copy(0, 10 * BLOCK);
  log.punch(10 * BLOCK);
  rmSync(`${log.path}.1`);
  log.copy(10 * BLOCK, 30 * BLOCK);
  log.punch(30 * BLOCK);
  const end = Date.now() + 5000;
  while (log.told.length === 0 && Date.now() < end) log.read();
  log.read();
  expect(log.told).toEqual([`${log.path} was rotated faster than it could be read: lines may be missing`]);
  const lines = log.lines.filter((line) => line.length === 10).map(Number);
  expect(lines.filter((line, i) => i > 0 && line !== Number(lines[i - 1]) + 1)).toHaveLength(1);
  expect(lines.at(-1)).toBe(Math.floor((30 * BLOCK + 7) / 11) - 1);
});

it('takes no other file for what had its name, and no copy for more than that', () => {
  const log = new Staged();
  log.grow(BLOCK);
  log.read();
  log.grow(2 * BLOCK);
  copyFileSync(log.path, `${log.path}.bak`);
  copyFileSync(log.path, `${log.path}-20261128`);
  truncateSync(log.path);
  log.read();
  log.grow(3 * BLOCK);
  log.read();
  writeFileSync(`${log.path}-audit`, 'of another service\n');
  renameSync(log.path, `${log.path}-20261129`);
  writeFileSync(log.path, '');
  log.grow(4 * BLOCK);
  log.read();
  expect([log.wrong, log.told]).toEqual([undefined, []]);
});
