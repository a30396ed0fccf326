import { expect, it } from 'vitest';
import type { Json } from '../../src/canonical.ts';
import { BadPattern, readJsonPath, readPattern } from '../../src/patterns.ts';

const said = async (reading: Promise<unknown>) => {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BadPattern);
  return (error as BadPattern).message;
};

it('finds a pattern, and the first group of its last match', async () => {
  const pattern = await readPattern('scan (\\d+) processed');
  expect(pattern.isIn('a\nscan 7 processed\n')).toBe(true);
  expect(pattern.isIn('scan 7 failed')).toBe(false);
  expect(pattern.last('scan 470 processed\nscan 471 processed\n')).toBe('471');
  expect((await readPattern('\\d+')).last('1 2 33')).toBe('33');
  expect(pattern.last('')).toBeUndefined();
});

it('finds the last match wherever it is in a long text', async () => {
  const pattern = await readPattern('scan (\\d+) processed');
  const noise = 'x\n'.repeat(30_000);
  expect(pattern.last(`scan 5 processed\n${noise}`)).toBe('5');
  expect(pattern.last(`scan 5 processed\n${noise}scan 6 processed\n`)).toBe('6');
  expect((await readPattern('^(\\d+)')).last(`7\n${noise}8\n`)).toBe('7');
});

it('refuses what is no RE2 syntax, and what would take too long', async () => {
  expect(await said(readPattern('(a'))).toBe('missing closing ): `(a`');
  expect(await said(readPattern('(?<=a)b'))).toMatch(/invalid/);
  expect(await said(readPattern('(a)\\1'))).toBe('invalid escape sequence: `\\1`');
  expect(await said(readPattern('a[ab]{900}'))).toBe('it is too large: 903 steps, and 200 may be');
});

it('is done in time with what takes other engines for ever', async () => {
  const began = performance.now();
  expect((await readPattern('(a+a+)+y')).isIn('a'.repeat(65_536))).toBe(false);
  expect(performance.now() - began).toBeLessThan(2000);
});

it.each([
  ['$.scan.processed', 471],
  ['$["scan"].processed', 471],
  ["$.checks[?@.name == 'db'].ok", false],
  ['$.checks[-1].name', 'mq'],
  ['$..ok', false],
  ['$.nothing', undefined],
  ['$.none', null],
])('JSON path %s', async (path, value) => {
  const json = { scan: { processed: 471 }, checks: [{ name: 'db', ok: false }, { name: 'mq' }], none: null };
  expect((await readJsonPath(path)).first(json)).toBe(value);
});

it('refuses paths that are none, and those that need more than one pass', async () => {
  expect(await said(readJsonPath('$.a['))).toBe('unclosed bracketed selection, at character 4');
  expect(await said(readJsonPath('$.a.b c'))).toMatch(/^expected .*, at character 7$/);
  expect(await said(readJsonPath("$.a[?match(@.b, 'c')]"))).toBe('match() and search() are not known here');
  expect(await said(readJsonPath('$.a[*,*][*,*]'))).toBe('it has several selectors in one pair of brackets');
  expect(await said(readJsonPath('$..*..*'))).toBe('it has `..` more than once');
  expect(await said(readJsonPath('$.a[?@.b == $.c]'))).toBe('it has `$` within a filter');
});

it('walks wide values whole, and no further than is done in time where they are deep', async () => {
  const path = await readJsonPath('$..[?@ == 7]');
  expect(path.first([...Array.from({ length: 30_000 }, (_, i) => [-i]), [7]])).toBe(7);
  let deep: Json = [7];
  for (let i = 0; i < 5000; i += 1) deep = [deep];
  expect(() => path.first(deep)).toThrow(/recursion limit/);
  expect((await readJsonPath('$[0][0][?@ == 7]')).first(deep)).toBeUndefined();
});
