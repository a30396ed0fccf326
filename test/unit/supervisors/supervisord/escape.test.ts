import { expect, it } from 'vitest';
import { assignment, expanded, expandedTwice, quoteArgument } from '../../../../src/supervisors/supervisord/escape.ts';

it.each([
  ['plain text', 'plain text'],
  ['100%', '100%%'],
  // Replaced before anything else is looked at, whatever stands before it.
  ['%(here)s', '%%%(here).0s(here)s'],
  ['%(other)s', '%%(other)s'],
  ['a;b#c', 'a;b#c'],
  ['a ;b\t#c', 'a %(here).0s;b\t%(here).0s#c'],
  [' a ', '%(here).0s a %(here).0s'],
  ['a\nb', 'a\n b'],
  ['a\n;b\n\nc \n', 'a\n %(here).0s;b\n %(here).0s\n c %(here).0s\n %(here).0s'],
  ['a\r\n', 'a%(process_num)c\n %(here).0s'],
])('writes %j so that it comes out of one expansion', (text, written) => {
  expect(expanded(text)).toBe(written);
});

it('writes what is expanded twice so that it comes out of both', () => {
  expect(expandedTwice('/var/log/100% ;')).toBe('/var/log/100%%%% %%(here).0s;');
});

it.each([
  ['a', 'a'],
  ['', "''"],
  ['a b', "'a b'"],
  ["it's", `'it'"'"'s'`],
  ['\\"', `'\\"'`],
])('quotes the argument %j', (text, written) => {
  expect(quoteArgument(text)).toBe(written);
});

it.each([
  ['', 'K=""'],
  ['a, B=c \\', 'K="a, B=c \\"'],
  ['say "x" now', `K='say "x" now'`],
  ["it's", `K="it's"`],
  ['"x"', undefined],
  ["x'", undefined],
  [`a"b'c`, undefined],
])('assigns %j', (value, written) => {
  expect(assignment('K', value)).toBe(written);
});
