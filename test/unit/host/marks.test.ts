import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isUntouched, markOf } from '../../../src/host/files.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-marks-'));
  file = join(folder, 'f');
  writeFileSync(file, 'one');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a file that rests is untouched, and one that was just written may be written once more with the same time', async () => {
  const fresh = markOf(file);
  expect(isUntouched(fresh, markOf(file))).toBe(false);
  await sleep(120);
  const rested = markOf(file);
  expect(isUntouched(rested, markOf(file))).toBe(true);
  expect(isUntouched(fresh, rested)).toBe(false);
});

test('a file that was written, replaced or set back in time since is touched', async () => {
  await sleep(120);
  const before = markOf(file);
  writeFileSync(file, 'two');
  expect(isUntouched(before, markOf(file))).toBe(false);
  await sleep(120);
  const then = markOf(file);
  utimesSync(file, new Date(0), new Date(0));
  expect(isUntouched(then, markOf(file))).toBe(false);
  await sleep(120);
  const last = markOf(file);
  writeFileSync(`${file}.new`, 'six');
  renameSync(`${file}.new`, file);
  expect(isUntouched(last, markOf(file))).toBe(false);
});

test('what is not there has no mark, and nothing is like it', () => {
  rmSync(file);
  expect(markOf(file)).toBeUndefined();
  expect(markOf(join(file, 'below'))).toBeUndefined();
  expect(isUntouched(undefined, undefined)).toBe(false);
});
