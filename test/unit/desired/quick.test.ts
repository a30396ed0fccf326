import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseQuickly } from '../../../src/desired/quick.ts';
import { loadYaml, OPTIONS } from '../../../src/desired/yaml.ts';

const RUNS = process.env.RECONCILED_LONG === '1' ? 200_000 : 20_000;
const { parseDocument } = await loadYaml();

/** By the parser that decides; undefined for what it refuses. */
function slowly(text: string): unknown {
  const document = parseDocument(text, OPTIONS);
  if (document.errors.length + document.warnings.length > 0) return undefined;
  return document.toJS({ maxAliasCount: 100 });
}

const scalar = fc.constantFrom(
  ...['a', 'true', 'False', 'yes', 'null', '~', '', '1', '1.5', '0x1f', '0o17', '017', '1_000', '0b11', '1e3', '.inf'],
  ...[
    '.nan',
    '1.',
    '.5',
    '+1',
    '-0',
    '"a"',
    "'it''s'",
    '"\\n\\u00e9"',
    '1:2',
    '12:30:45',
    '2020-01-01',
    '<<',
    '=',
    '- a',
  ],
  ...['a: b', '[1, 2]', '{a: 1}', '[a, ]', '{a, b: }', '[', '}', '|', '>', '| \n  x\n  y', '>-\n  x\n  y', 'a # c'],
  ...['a#c', '# c', ' a b ', '@x', '`x', ',', 'a,b', '"', "'", 'http://x:1/y', '-', '- ', '?', ':', '::', 'a:', '00'],
  ...['1e', '0x', 'NULL', '1 2', '\u00e9', '{ "a":1 }', '{a:1}', '{a: [b, {c: d}]}', '0.0', '12345678901234567890'],
  ...["''", '""', '"  "', "'- '", '[a,\n  b]', '{a: 1,\n  b: 2}', '"x\n  y"', 'x\n  y', '&a b', '*a', '!t x'],
);
const key = fc.constantFrom('a', 'b', 'c', '1', 'true', '~', '"x"', "'y'", 'a b', '<<', '', '__proto__', 'constructor');
const indent = fc.constantFrom('', '', '', '  ', '    ', ' ', '- ', '  - ', '- - ');
const colon = fc.constantFrom(': ', ': ', ': ', ':', ' : ', ':\n  ', ':\n- ');
const end = fc.constantFrom('\n', '\n', '\n\n', ' \n', ' # c\n', '');
const line = fc.tuple(indent, key, colon, scalar, end).map((parts) => parts.join(''));
const text = fc.array(line, { minLength: 1, maxLength: 6 }).map((lines) => lines.join(''));

it('reads what it reads as the parser does that decides', () => {
  fc.assert(
    fc.property(text, (written) => {
      const value = parseQuickly(written);
      if (value !== undefined) expect(JSON.stringify(value)).toBe(JSON.stringify(slowly(written)));
    }),
    { numRuns: RUNS },
  );
});

it('takes nearly every file that people write, and reads it the same', () => {
  const root = join(import.meta.dirname, '../../..');
  const files = ['test/golden', 'desired-state'].flatMap((folder) =>
    (readdirSync(join(root, folder), { recursive: true }) as string[])
      .filter((file) => file.endsWith('.yaml') && !file.startsWith('bad/'))
      .map((file) => join(root, folder, file)),
  );
  const left = files.filter((file) => {
    const written = readFileSync(file, 'utf8');
    const value = parseQuickly(written);
    if (value !== undefined) expect(value).toEqual(slowly(written));
    return value === undefined;
  });
  expect(files.length).toBeGreaterThan(100);
  expect(left.length / files.length).toBeLessThan(0.05);
});
