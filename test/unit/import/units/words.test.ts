import { expect, it } from 'vitest';
import { commandsIn, wordsIn } from '../../../../src/import/units/words.ts';

const words = (text: string) => wordsIn(text, 'refuse')?.map((word) => word.text);

it('takes quotes and escapes off, wherever they stand', () => {
  expect(words(`a "b c"d 'e "f"' "" \\x41\\s\\t\\101 \\u00fc`)).toEqual(['a', 'b cd', 'e "f"', '', 'A \tA', 'ü']);
  expect(words('"open')).toBeUndefined();
  expect(words('\\q')).toBeUndefined();
  expect(wordsIn('a\\q', 'keep')?.map((word) => word.text)).toEqual(['a\\q']);
});

it('splits commands at a lone semicolon, and only there', () => {
  expect(commandsIn('/a b ; -/c "d;" \\; e; ; @/f g h')).toEqual([
    { signs: '', argv: ['/a', 'b'] },
    { signs: '-', argv: ['/c', 'd;', ';', 'e;'] },
    { signs: '@', argv: ['/f', 'g', 'h'] },
  ]);
  expect(commandsIn('!!+-:/a')).toEqual([{ signs: '!!+-:', argv: ['/a'] }]);
  expect(commandsIn('/a "b')).toBeUndefined();
});
