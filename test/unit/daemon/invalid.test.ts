import { expect, test } from 'vitest';
import { invalidNotes } from '../../../src/daemon/invalid.ts';

const at = { file: 'services/web.yaml', line: 2, column: 10, length: 5, excerpt: 'command: sleep' };

test('nothing is said of what is valid', () => {
  expect(invalidNotes([], [])).toEqual([]);
});

test('the first problem is said with its place, and how many more there are', () => {
  const first = { code: 'type', summary: 'command: must be a list, not text', at };
  expect(invalidNotes([first], [])).toEqual([
    {
      kind: 'invalid',
      ok: false,
      text: 'the desired state is invalid: services/web.yaml:2:10: command: must be a list, not text',
    },
  ]);
  expect(invalidNotes([first, { code: 'unknown-key', summary: "unknown key 'x'" }], [])[0]?.text).toBe(
    'the desired state is invalid: services/web.yaml:2:10: command: must be a list, not text, and 1 more: reconcile validate',
  );
});

test('what another line says already is not said twice', () => {
  const problem = { code: 'git-untrusted', summary: 'cannot trust commit 1a2b3c' };
  const said = { kind: 'source', ok: false, text: 'cannot trust commit 1a2b3c, for 5s' } as const;
  expect(invalidNotes([problem], [said])).toEqual([]);
});
