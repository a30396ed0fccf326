import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openUnitFiles } from '../../../../src/supervisors/systemd/unit-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-units-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function look(path: string) {
  const files = openUnitFiles();
  const file = files.read(path);
  files.end();
  return file;
}

test('what is as it was at the last look is the same object; what was written is read', () => {
  const path = join(folder, 'a.service');
  writeFileSync(path, '[Unit]\nDescription=1\n');
  const first = look(path);
  expect(look(path)).toBe(first);
  writeFileSync(path, '[Unit]\nDescription=2\n');
  expect(look(path)?.text).toContain('2');
  writeFileSync(path, '[Unit]\nDescription=3\n');
  expect(look(path)?.text).toContain('3');
  rmSync(path);
  expect(look(path)).toBeUndefined();
});

test('what a look did not read is forgotten', () => {
  const [a, b] = [join(folder, 'a.service'), join(folder, 'b.service')];
  for (const path of [a, b]) writeFileSync(path, '[Unit]\n');
  const first = look(a);
  look(b);
  expect(look(a)).not.toBe(first);
});
