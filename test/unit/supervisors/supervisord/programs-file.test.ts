import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { programText } from '../../../../src/supervisors/supervisord/program-text.ts';
import {
  partPath,
  partsOf,
  partsText,
  programsFile,
  readParts,
  writeParts,
} from '../../../../src/supervisors/supervisord/programs-file.ts';

const MORE = { fields: {}, made: '1', autostart: true, startsecs: 1, settings: '', stderrLog: '' };
const text = (id: string) =>
  programText({ owner: 'default', id, hash: 'abc' }, '', `program:${id}`, [['command', '/bin/true']], MORE);
const ALL = new Map(['web', 'api', 'job@2'].map((id) => [id, text(id)]));

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-parts-'));
  path = programsFile({ include: join(folder, 'conf.d') }, 'default');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is one file for each owner, in which each program has its part', () => {
  expect(path).toBe(join(folder, 'conf.d/reconciled-default.conf'));
  expect(partPath({ include: '/x' }, 'red', 'web')).toBe('/x/reconciled-red.conf#web');
});

it('gives back the parts that it was made of, in the order of their names', () => {
  const { texts, intact } = partsOf(partsText(ALL));
  expect(intact).toBe(true);
  expect([...texts]).toEqual([...ALL].sort());
});

it('changes, adds and takes out parts and leaves all others as they are; without any there is no file', () => {
  writeParts(path, [...ALL]);
  const changed = text('web').replace('/bin/true', '/bin/false');
  writeParts(path, [
    ['web', changed],
    ['api', undefined],
    ['new', text('new')],
  ]);
  expect([...(readParts(path)?.texts ?? [])]).toEqual([
    ['job@2', text('job@2')],
    ['new', text('new')],
    ['web', changed],
  ]);
  writeParts(
    path,
    ['web', 'new', 'job@2'].map((id) => [id, undefined] as const),
  );
  expect(existsSync(path)).toBe(false);
  expect(readParts(path)).toBeUndefined();
});

it('writes nothing where nothing changes', () => {
  writeParts(path, []);
  expect(existsSync(path)).toBe(false);
});

it('counts what somebody has put behind a part to that part, and sees what stands before all of them', () => {
  writeParts(path, [...ALL]);
  const written = readFileSync(path, 'utf8');
  writeFileSync(path, written.replace('[program:job@2]', '[program:more]\ncommand=/bin/x\n[program:job@2]'));
  expect(readParts(path)?.texts.get('job@2')).toContain('[program:more]');
  expect(readParts(path)?.texts.get('web')).toBe(text('web'));
  expect(readParts(path)?.intact).toBe(true);
  writeFileSync(path, `[program:first]\ncommand=/bin/x\n${written}`);
  expect(readParts(path)?.intact).toBe(false);
  // It is not ours to take away, whatever is written to the parts.
  writeParts(
    path,
    [...ALL.keys()].map((id) => [id, undefined] as const),
  );
  expect(readFileSync(path, 'utf8')).toContain('[program:first]\ncommand=/bin/x\n');
  writeFileSync(path, `${written}\n${text('web')}`);
  expect(readParts(path)?.intact).toBe(false);
});
