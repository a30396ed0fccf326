import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { LogFile } from '../../../src/logs/file.ts';
import { beginOf, type Wanted } from '../../../src/logs/start.ts';

const folders: string[] = [];
let path: string;

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-start-'));
  folders.push(folder);
  path = join(folder, 'a.log');
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function read(wanted: Partial<Wanted>): string[] {
  const begun = beginOf(path, { count: Number.POSITIVE_INFINITY, since: undefined, ...wanted });
  if (begun === undefined) return ['no file'];
  using file = new LogFile(path, (problem) => expect(problem).toBeUndefined(), begun.start);
  const found: string[] = begun.timeless ? ['timeless'] : [];
  for (let lines = file.read(); lines !== undefined; lines = file.read()) found.push(...lines);
  return [...found, ...file.end()];
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`);
const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
/** A line a second. */
const at = (second: number) => new Date(Date.UTC(2026, 10, 24, 16, 0, second)).toISOString();

it('begins so many lines from the end, in every size and with or without a last line end', () => {
  for (const end of ['', 'rest']) {
    for (const count of [0, 1, 2, 4999, 5000, 9000]) {
      writeFileSync(path, text(numbers(0, 9000)) + end);
      const all = [...numbers(0, 9000), ...(end === '' ? [] : [end])];
      const wanted = count === 0 ? (end === '' ? [] : [end]) : all.slice(-count);
      expect(read({ count })).toEqual(wanted);
    }
  }
  expect(read({}).length).toBe(9001);
});

it('goes on in what was rotated away, a line across two files among them', () => {
  writeFileSync(`${path}.2`, text(numbers(0, 10)));
  writeFileSync(`${path}.1`, `${text(numbers(10, 20))}line`);
  writeFileSync(path, ` 20\n${text(numbers(21, 25))}`);
  expect(read({ count: 5 })).toEqual(numbers(20, 25));
  expect(read({ count: 6 })).toEqual(numbers(19, 25));
  expect(read({ count: 18 })).toEqual(numbers(7, 25));
  expect(read({})).toEqual(numbers(0, 25));
});

it('passes over the hole that a rotation left', () => {
  writeFileSync(path, text(numbers(0, 20_000)));
  execFileSync('fallocate', ['--punch-hole', '--offset', '0', '--length', '196608', path]);
  const left = read({});
  expect(left.at(-1)).toBe('line 19999');
  expect(left.length).toBeLessThan(4000);
  expect(left.slice(1)).toEqual(numbers(20_000 - left.length + 1, 20_000));
});

it('waits for a hole that is just being made', async () => {
  const whole = text(numbers(0, 20_000));
  writeFileSync(path, whole);
  writeFileSync(`${path}.1`, whole.slice(0, 131_072));
  const punch = (length: number) => ['fallocate', '--punch-hole', '--offset', '0', '--length', String(length), path];
  const [program = '', ...args] = punch(65_536);
  execFileSync(program, args);
  const later = spawn('sh', ['-c', `sleep 0.03; exec ${punch(131_072).join(' ')}`]);
  expect(read({})).toEqual(numbers(0, 20_000));
  if (later.exitCode === null) await once(later, 'exit');
  expect(later.exitCode).toBe(0);
});

it('answers at once of a file of 5 GB, and reads its end alone', () => {
  closeSync(openSync(path, 'w'));
  const fd = openSync(path, 'r+');
  ftruncateSync(fd, 5e9);
  closeSync(fd);
  appendFileSync(path, `\n${text(numbers(0, 300_000))}`);
  const began = performance.now();
  expect(read({ count: 100 })).toEqual(numbers(299_900, 300_000));
  expect(performance.now() - began).toBeLessThan(1000);
});

it('begins at a time where lines bear one, lines without it with those before them', () => {
  const lines = Array.from({ length: 9000 }, (_, i) => `${at(i)} line\n  more\n`);
  writeFileSync(path, lines.join(''));
  expect(read({ since: Date.parse(at(8998)) })).toEqual([`${at(8998)} line`, '  more', `${at(8999)} line`, '  more']);
  expect(read({ since: Date.parse(at(100)) }).length).toBe(2 * 8900);
  expect(read({ since: Date.parse(at(0)) }).length).toBe(18_000);
  expect(read({ since: Date.parse(at(9000)) })).toEqual([]);
  expect(read({ since: Date.parse(at(100)), count: 3 }).length).toBe(3);
});

it('goes back through rotated files, but not into those that were written before', () => {
  writeFileSync(`${path}.2`, `${at(0)} a\n`);
  utimesSync(`${path}.2`, new Date(at(1)), new Date(at(1)));
  writeFileSync(`${path}.1`, `${at(10)} b\n${at(20)} c\n`);
  writeFileSync(path, `${at(30)} d\n`);
  expect(read({ since: Date.parse(at(20)) })).toEqual([`${at(20)} c`, `${at(30)} d`]);
  expect(read({ since: Date.parse(at(5)) })).toEqual([`${at(10)} b`, `${at(20)} c`, `${at(30)} d`]);
});

it('says so where lines bear no time, unless nothing was written since then', () => {
  writeFileSync(path, 'a\nb\n');
  expect(read({ since: Date.now() - 60_000, count: 1 })).toEqual(['timeless', 'b']);
  expect(read({ since: Date.now() + 60_000 })).toEqual([]);
});

it('tells what is no file, and what is not there', () => {
  expect(read({})).toEqual(['no file']);
  path = join(path, '..');
  expect(() => read({})).toThrow(/cannot read .*: it is no regular file/);
  path = '/dev/null';
  expect(() => read({})).toThrow('cannot read /dev/null: it is no regular file');
});
