import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  plain,
  plainPattern,
  quoteArgument,
  quoteAssignment,
  whyNotCarried,
  whyNotPlain,
} from '../../../../src/supervisors/systemd/escape.ts';
import { commandLine, directives, specifiers, unglobbed, words } from './parse.ts';

/** Texts out of what is special somewhere, and of all characters. */
const special = fc.constantFrom(
  ...[
    '%',
    '%%',
    '%i',
    '%n',
    '$',
    '$$',
    '$A',
    `$${'{A}'}`,
    '\\',
    '\\\\',
    '\\n',
    '\\x41',
    '"',
    "'",
    ';',
    ' ;',
    '#',
    '[',
    ']',
  ],
  ...['=', ' ', '\t', '\n', '\r', '\x01', '\x1b', '\x7f', '-', '@', ':', '+', '!', '*', '?', 'é', '€', '😀', 'a', '/'],
  ...['\u0085', '\u2028', '\ufeff', '\u00a0', '~'],
);
const text = fc
  .oneof(
    fc.array(special, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary' }),
  )
  .filter((value) => whyNotCarried(value) === undefined);
const path = text.filter((value) => whyNotPlain(value) === undefined).map((value) => `/${value}`);

const only = (key: string, value: string) => {
  const found = directives(`[Service]\n${key}=${value}\nNext=1\n`);
  expect(found.map((directive) => directive.key)).toEqual([key, 'Next']);
  return found[0]?.value ?? '';
};

it('carries any argument', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (args) => {
      const line = ['/bin/x', ...args].map(quoteArgument).join(' ');
      expect(commandLine(only('ExecStart', line))).toEqual(['/bin/x', ...args]);
    }),
    { numRuns: 500 },
  );
});

it('carries any value of a variable', () => {
  fc.assert(
    fc.property(text, (value) => {
      const line = only('Environment', quoteAssignment('A', value));
      expect(words(line).map((word) => specifiers(word))).toEqual([`A=${value}`]);
    }),
    { numRuns: 500 },
  );
});

it('carries any path on one line that does not end in white space', () => {
  fc.assert(
    fc.property(path, (value) => {
      expect(specifiers(only('WorkingDirectory', plain(value)))).toBe(value);
      expect(unglobbed(specifiers(only('EnvironmentFile', plainPattern(value))))).toBe(value);
    }),
    { numRuns: 500 },
  );
});

it.each([
  ['\0', 'holds a zero byte'],
  ['a\ud800', 'holds a code point that is no character'],
  ['\uffff', 'holds a code point that is no character'],
  ['\ufdd0', 'holds a code point that is no character'],
  ['\u{1fffe}', 'holds a code point that is no character'],
  ['😀\n', undefined],
])('says that %j can not be carried: %s', (value, why) => {
  expect(whyNotCarried(value)).toBe(why);
});

it.each([
  ['/a\nb', 'holds a line break'],
  ['/a\rb', 'holds a line break'],
  ['/a ', 'ends in white space'],
  ['/a\t', 'ends in white space'],
  ['/\uffff', 'holds a code point that is no character'],
  ['/a\\', undefined],
  ['/a\tb', undefined],
])('says that the path %j can not be written: %s', (value, why) => {
  expect(whyNotPlain(value)).toBe(why);
});
