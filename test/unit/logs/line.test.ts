import { expect, it } from 'vitest';
import { Lines } from '../../../src/logs/line.ts';

it('gives lines as they become whole, however they come in', () => {
  const text = 'one\ntwo\r\n\nthree\x00\xff\n';
  for (let size = 1; size <= text.length; size += 1) {
    const lines = new Lines();
    const found: string[] = [];
    for (let at = 0; at < text.length; at += size) found.push(...lines.push(text.slice(at, at + size)));
    expect([size, found, lines.end()]).toEqual([size, ['one', 'two\r', '', 'three\x00\xff'], []]);
  }
});

it('keeps what has no end until it is asked for', () => {
  const lines = new Lines();
  expect(lines.push('a\nb')).toEqual(['a']);
  expect(lines.push('c')).toEqual([]);
  expect(lines.end()).toEqual(['bc']);
  expect(lines.end()).toEqual([]);
});

it('leaves out the zeros of a hole at the begin, and keeps those within', () => {
  const lines = new Lines();
  expect(lines.push('\0'.repeat(10_000))).toEqual([]);
  expect(lines.push(`${'\0'.repeat(100)}a\0b\n`)).toEqual(['a\0b']);
});

it('keeps a mebibyte of a line that is longer, and tells how much it left out', () => {
  const lines = new Lines();
  const found: string[] = [];
  for (let i = 0; i < 30; i += 1) found.push(...lines.push('x'.repeat(100_000)));
  found.push(...lines.push('end\nnext\n'));
  expect(found.map((line) => line.length)).toEqual([2 ** 20 + ' [... 1951427 more bytes]'.length, 4]);
  expect(found[0]?.endsWith('x [... 1951427 more bytes]')).toBe(true);
  expect(found[1]).toBe('next');
});

it('puts nothing together that does not belong together', () => {
  const lines = new Lines();
  expect(lines.push('a\nbegun')).toEqual(['a']);
  lines.cut();
  expect(lines.push('of another\nc')).toEqual(['begun', 'of another']);
  lines.cut();
  expect(lines.end()).toEqual(['c']);
});
