import type { Json } from '../canonical.ts';
import { yaml } from '../desired/yaml.ts';
import {
  type AnyPair,
  dashesOf,
  endOf,
  endOfPair,
  isFirst,
  lineEnd,
  lineStart,
  type Node,
  type Splice,
  type YamlMap,
  type YamlSeq,
} from './places.ts';
import { block, type Form, inline, pair } from './render.ts';

/** One more key of a map, behind all others. */
export function insertPair(text: string, map: YamlMap, key: string, value: Json, form: Form): readonly Splice[] {
  const last = map.items.at(-1) as AnyPair | undefined;
  if (map.flow === true || last === undefined) {
    const [start, end] = map.range;
    const written = pair(key, value, form);
    if (last === undefined) return [{ start, end, text: form.json ? `{${written}}` : `{ ${written} }` }];
    return [behind(text, endOfPair(last), last.key.range[0], written, form)];
  }
  const first = map.items[0] as AnyPair;
  const column = first.key.range[0] - lineStart(text, first.key.range[0]);
  const indent = ' '.repeat(column);
  return [lineBehind(text, endOfPair(last), indent + block(key, value, column, form), form)];
}

/** One more item of a list, before the one that is at its place. */
export function insertItem(text: string, seq: YamlSeq, index: number, value: Json, form: Form): readonly Splice[] {
  const before = seq.items[Math.min(index, seq.items.length) - 1] as Node | undefined;
  const there = seq.items[index] as Node | undefined;
  const written = inline(value, form);
  if (seq.flow === true || (before === undefined && there === undefined)) {
    const [start, end] = seq.range;
    if (before !== undefined) return [behind(text, endOf(before), beginOf(before), written, form)];
    if (there === undefined) return [{ start, end, text: `[${written}]` }];
    const at = beginOf(there);
    return [{ start: at, end: at, text: `${written},${gapBefore(text, at) ?? ' '}` }];
  }
  const [dash = seq.range[0]] = dashesOf(seq);
  const indent = ' '.repeat(dash - lineStart(text, dash));
  if (before !== undefined) return [lineBehind(text, endOf(before), `${indent}- ${written}`, form)];
  return [{ start: dash, end: dash, text: `- ${written}${form.eol}${indent}` }];
}

/** In braces or brackets: on a line of its own where the one before is. */
function behind(text: string, end: number, begin: number, written: string, form: Form): Splice {
  const gap = gapBefore(text, begin);
  const comma = /^[ \t]*,/.exec(text.slice(end))?.[0].length ?? 0;
  if (gap === undefined) return { start: end, end, text: `, ${written}` };
  const at = end + comma;
  // A comment behind it stays its own.
  const note = /^[ \t]*#[^\r\n]*/.exec(text.slice(at))?.[0].length ?? 0;
  if (comma > 0) return { start: at + note, end: at + note, text: `${gap}${written},` };
  if (note === 0) return { start: end, end, text: `,${gap}${written}` };
  return {
    start: end,
    end: end + note,
    text: `,${text.slice(end, end + note)}${gap}${written}${form.json ? '' : ','}`,
  };
}

/** The end of a line and the indent before what begins one. */
function gapBefore(text: string, at: number): string | undefined {
  if (!isFirst(text, at)) return undefined;
  const start = lineStart(text, at);
  if (start === 0) return undefined;
  return (/\r?\n$/.exec(text.slice(0, start))?.[0] ?? '\n') + text.slice(start, at);
}

function lineBehind(text: string, end: number, line: string, form: Form): Splice {
  const at = lineEnd(text, end);
  const isOpen = at === text.length && text[at - 1] !== '\n';
  return { start: at, end: at, text: isOpen ? form.eol + line : line + form.eol };
}

/** Where an item begins: an anchor of it stands before that. */
function beginOf(node: Node): number {
  const { isMap } = yaml();
  if (isMap(node) && node.flow !== true && node.items[0] !== undefined) return (node.items[0] as AnyPair).key.range[0];
  return node.range[0];
}
