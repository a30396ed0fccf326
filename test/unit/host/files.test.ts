import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readIfThere, writeAtomic } from '../../../src/host/files.ts';

const MODULE = new URL('../../../src/host/files.ts', import.meta.url);
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-files-'));
  path = join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('replaces a file whole, with the mode that is asked for', () => {
  writeAtomic(path, 'one\n', { mode: 0o644, sync: true });
  writeAtomic(path, 'two: ü\n');
  expect(readFileSync(path, 'utf8')).toBe('two: ü\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['file']);
});

it('leaves the old text where there is room for a part of the new one only', () => {
  writeAtomic(path, 'old\n');
  const script = `import { writeAtomic } from '${MODULE}'; writeAtomic(${JSON.stringify(path)}, 'x'.repeat(10_000));`;
  const node = [process.execPath, '--input-type=module', '--eval', script];
  // A limit cuts a write short as a full disk does.
  const { status, stderr } = spawnSync('prlimit', ['--fsize=4096', '--', ...node], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toContain('EFBIG');
  expect(stderr).toContain(`path: '${path}'`);
  expect(readFileSync(path, 'utf8')).toBe('old\n');
  expect(readdirSync(folder)).toEqual(['file']);
});

it('tells a file that is not there from one that cannot be read', () => {
  expect(readIfThere(path)).toBeUndefined();
  expect(() => readIfThere(folder)).toThrow('EISDIR');
});
