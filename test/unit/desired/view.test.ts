import { expect, test } from 'vitest';
import { COLOUR, PLAIN } from '../../../src/cli/style.ts';
import { problemsJson, problemsText } from '../../../src/cli/views/problems.ts';
import type { Problem } from '../../../src/problem.ts';

const PROBLEM: Problem = {
  code: 'unknown-key',
  summary: "unknown key 'comand'",
  at: { file: 'services/web.yaml', line: 3, column: 1, length: 6, excerpt: 'comand: [/usr/bin/python3]' },
  hint: "did you mean 'command'?",
};

test('a problem is told to people and programs alike', () => {
  expect(problemsText([PROBLEM], PLAIN)).toBe(`services/web.yaml:3:1: unknown key 'comand'
  3 | comand: [/usr/bin/python3]
    | ^^^^^^
  did you mean 'command'?
`);
  expect(problemsJson([PROBLEM])).toEqual({
    problems: [
      {
        code: 'unknown-key',
        summary: "unknown key 'comand'",
        file: 'services/web.yaml',
        line: 3,
        column: 1,
        length: 6,
        excerpt: 'comand: [/usr/bin/python3]',
        field: null,
        detail: null,
        hint: "did you mean 'command'?",
      },
    ],
  });
});

test('the caret stays below its place behind tabs and wide characters', () => {
  const tabs = { file: 'a', line: 12, column: 3, length: 2, excerpt: '\t\tab: x' };
  const wide = { file: 'a', line: 1, column: 3, length: 2, excerpt: '名前ab' };
  const text = problemsText(
    [
      { code: 'x', summary: 's', at: tabs },
      { code: 'x', summary: 's', at: wide },
    ],
    PLAIN,
  );
  expect(text).toBe('a:12:3: s\n  12 | \t\tab: x\n     | \t\t^^\n\na:1:3: s\n  1 | 名前ab\n    |     ^^\n');
});

test('what a terminal would obey is not let through', () => {
  const at = { file: 'a\u001b[2J', line: 1, column: 1, length: 1, excerpt: 'x\u001b]0;title\u0007\u202e' };
  const text = problemsText([{ code: 'x', summary: 'bad \u001b[31m', at, hint: 'h\u0000' }], PLAIN);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
});

test('colour marks, and says nothing', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of these.
  const bare = problemsText([PROBLEM], COLOUR).replace(/\u001b\[[0-9;]*m/g, '');
  expect(bare).toBe(problemsText([PROBLEM], PLAIN));
  expect(problemsText([PROBLEM], COLOUR)).not.toBe(bare);
});
