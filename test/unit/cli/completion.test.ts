import { expect, test } from 'vitest';
import { forBash, shellWords } from '../../../src/cli/completion/shell-words.ts';
import { completionOf } from '../../../src/cli/completion/wanted.ts';
import { program } from '../../../src/cli/main.ts';

const top = program(async () => undefined);
const wanted = (...words: readonly string[]) => completionOf(top, words).wanted;
/** The words that could stand there. */
const words = (...given: readonly string[]) => {
  const found = wanted(...given);
  return found.kind === 'words' ? found.words.map(([word]) => word) : found.kind;
};

test('commands first, each with what it does, and none that is hidden', () => {
  expect(words('')).toEqual(top.commands.map((command) => command.name()));
  expect(words('--dry-run', 'st')).toEqual(words(''));
  expect(wanted('')).toMatchObject({
    words: expect.arrayContaining([['validate', expect.stringMatching(/^check the/)]]),
  });
  expect(words('nonsense', '')).toBe('nothing');
});

test('options: those of the command, and of all only what it has a use for', () => {
  expect(words('stop', '-')).toEqual(expect.arrayContaining(['--for', '--until', '--json', '--state-dir', '--help']));
  expect(words('stop', '--')).not.toContain('--dry-run');
  expect(words('plan', '--o')).toContain('--only');
  expect(words('daemon', '-')).not.toContain('--json');
  expect(words('-')).toEqual(expect.arrayContaining(['--only', '--dry-run', '--version']));
  expect(words('-')).not.toContain('--live');
  // Behind `--` nothing is an option.
  expect(words('stop', '--', '-')).toBe('names');
});

test('names where a service is meant, files and folders where one of these is', () => {
  for (const before of [
    ['stop'],
    ['stop', 'web'],
    ['history'],
    ['who'],
    ['--only'],
    ['--only', 'web'],
    ['plan', '--only'],
  ])
    expect(words(...before, 'w'), before.join(' ')).toBe('names');
  expect(words('who', '--restarts', '')).toBe('names');
  expect(words('history', 'web', '')).toBe('nothing');
  expect(words('alert', 'test', '')).toBe('nothing');
  expect(wanted('set', 'w')).toEqual({ kind: 'fields', set: true });
  expect(wanted('unset', 'a.b', 'w')).toEqual({ kind: 'fields', set: false });
  expect(words('import', '')).toBe('nothing');
  expect(words('apply', '')).toBe('files');
  expect(words('plan', '--out', 'x')).toBe('files');
  expect(words('--config', '')).toBe('files');
  expect(words('status', '--state-dir', '')).toBe('folders');
  expect(words('stop', 'web', '--for', '')).toBe('nothing');
  expect(words('stop', 'web', '--for', '2h', '')).toBe('names');
  expect(words('stop', '--for=2h', '')).toBe('names');
  // An option ends the list of the one before.
  expect(words('--only', 'web', '--dry-run', '')).toEqual(words(''));
});

test('one of a few words', () => {
  expect(words('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  expect(words('hook', '')).toEqual(['install', 'remove']);
  expect(words('alert', 't')).toEqual(['test']);
});

test('the value of --option=value, of which the option stays', () => {
  expect(completionOf(top, ['--only=we'])).toMatchObject({ wanted: { kind: 'names' }, partial: 'we', head: '--only=' });
  expect(completionOf(top, ['--nonsense=we'])).toMatchObject({ wanted: { kind: 'nothing' } });
  const { options } = completionOf(top, ['--config=/a', 'status', '--state-dir', '/b', '']);
  expect(options).toEqual({ config: '/a', stateDir: '/b' });
});

test('a line of bash is taken apart as bash does', () => {
  expect(shellWords('reconcile stop we')).toEqual({ words: ['reconcile', 'stop', 'we'], open: '' });
  expect(shellWords('reconcile stop ')).toEqual({ words: ['reconcile', 'stop', ''], open: '' });
  expect(shellWords('a; cd /x && reconcile \'a b\' "c\\"d" e\\ f')).toEqual({
    ...{ words: ['reconcile', 'a b', 'c"d', 'e f'], open: '' },
  });
  expect(shellWords("reconcile stop 'si")).toEqual({ words: ['reconcile', 'stop', 'si'], open: "'" });
  expect(shellWords('')).toEqual({ words: [''], open: '' });
});

test('bash puts words behind its own breaks', () => {
  expect(forBash(['--only=web'], shellWords('reconcile --only=w'))).toEqual(['web']);
  expect(forBash(['site:web'], shellWords('reconcile stop site:w'))).toEqual(['web']);
  expect(forBash(['web@2'], shellWords('reconcile stop web@'))).toEqual(['@2']);
  expect(forBash(['web@2'], shellWords('reconcile stop web@'), ' =:')).toEqual(['web@2']);
  expect(forBash(['web'], shellWords('reconcile stop '))).toEqual(['web']);
  expect(forBash(['site:web'], shellWords("reconcile stop 'site:w"))).toEqual(['site:web']);
});
