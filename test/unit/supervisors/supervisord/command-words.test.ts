import { expect, it } from 'vitest';
import { commandWords } from '../../../../src/supervisors/supervisord/command-words.ts';

it.each([
  ['', []],
  [' \n\t', []],
  ['a  b\tc\nd', ['a', 'b', 'c', 'd']],
  ['sh -c "a; b" \'c d\'', ['sh', '-c', 'a; b', 'c d']],
  [`a"b c"'d e'f`, ['ab cd ef']],
  [`"" '' x`, ['', '', 'x']],
  [String.raw`a\ b "c\"d" "e\f" "\\" '\'`, ['a b', 'c"d', String.raw`e\f`, '\\', '\\']],
  [String.raw`"a\'b" \n`, [String.raw`a\'b`, 'n']],
  ['a#b c;d &&', ['a#b', 'c;d', '&&']],
  ['a\u00a0b\u000bc', ['a\u00a0b\u000bc']],
])('%j is %j', (text, words) => {
  expect(commandWords(text)).toEqual(words);
});

it.each(['"a', "b 'c", 'd \\', `"'`])('%j is no command', (text) => {
  expect(commandWords(text)).toBeUndefined();
});
