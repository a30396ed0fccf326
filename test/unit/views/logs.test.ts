import { expect, it } from 'vitest';
import { COLOUR, PLAIN } from '../../../src/cli/style.ts';
import { type LineOptions, lineView } from '../../../src/cli/views/logs.ts';

const AT = Date.UTC(2026, 10, 24, 16, 40);
const bytes = (text: string) => Buffer.from(text).toString('latin1');

function shown(options: Partial<LineOptions>, ...texts: readonly string[]): string {
  const defaults = { style: PLAIN, colours: false, terminal: false, prefix: true, times: false, json: false };
  const view = lineView({ ...defaults, ...options });
  view.know(['web', 'worker']);
  const text = view.text(
    'web',
    'stdout',
    texts.map((text) => ({ text, at: undefined })),
  );
  return Buffer.from(text, view.encoding).toString();
}

it('begins lines with names, aligned, standard error marked', () => {
  const view = lineView({ style: PLAIN, colours: false, terminal: false, prefix: true, times: true, json: false });
  view.know(['web', 'worker']);
  expect(
    view.text('web', 'stdout', [{ text: 'a', at: AT }]) +
      view.text('worker', 'stderr', [{ text: 'b', at: undefined }]) +
      view.text('web', 'both', [{ text: '', at: undefined }]),
  ).toBe(
    'web    | 2026-11-24T16:40:00.000Z a\nworker ! -                        b\nweb    | -                        \n',
  );
});

it('passes lines on byte by byte where they go to a program', () => {
  const raw = 'ü\x1b[31m\x00\xff\r';
  const view = lineView({ style: PLAIN, colours: false, terminal: false, prefix: false, times: false, json: false });
  expect([view.text('web', 'stdout', [{ text: raw, at: undefined }]), view.encoding]).toEqual([`${raw}\n`, 'latin1']);
});

it('makes lines harmless for a terminal; colours stay where there are any', () => {
  const evil = `${bytes('ü')}\t\x1b[2J\x1b]0;x\x07\x9b1m\r`;
  expect(shown({ terminal: true, prefix: false }, evil, bytes('ok\u202e'))).toBe(
    'ü\t\\u001b[2J\\u001b]0;x\\u0007\ufffd1m\nok\\u202e\n',
  );
  const red = '\x1b[1;31mred\x1b[0m \x1b[8mhidden\x1b[38;5;200mx';
  expect(shown({ terminal: true, prefix: false }, red)).toBe('red \\u001b[8mhiddenx\n');
  expect(shown({ terminal: true, prefix: false, colours: true }, red)).toBe(
    '\x1b[1;31mred\x1b[0m \\u001b[8mhidden\x1b[38;5;200mx\x1b[0m\n',
  );
});

it('gives each of several services a colour of its own, the same each time', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
  const heads = () => {
    const view = lineView({ style: COLOUR, colours: true, terminal: false, prefix: true, times: false, json: false });
    view.know(names);
    return names.map((name) => view.text(name, 'stdout', [{ text: '', at: undefined }]).replace(name, 'X'));
  };
  expect(new Set(heads()).size).toBe(10);
  expect(heads()).toEqual(heads());
});

it('is a JSON value a line for programs', () => {
  const view = lineView({ style: PLAIN, colours: false, terminal: true, prefix: true, times: false, json: true });
  const text =
    view.text('web', 'stderr', [{ text: bytes('ü\x1b'), at: AT }]) +
    view.text('web', 'both', [{ text: 'x', at: undefined }]);
  expect(
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([
    { service: 'web', stream: 'stderr', time: '2026-11-24T16:40:00.000Z', line: 'ü\x1b' },
    { service: 'web', stream: null, time: null, line: 'x' },
  ]);
});
