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

/** A map without a key, which is not its only one, but at the top. */
export function removePair(text: string, map: YamlMap, pair: AnyPair): readonly Splice[] {
  const index = map.items.indexOf(pair);
  const before = map.items[index - 1] as AnyPair | undefined;
  const next = map.items[index + 1] as AnyPair | undefined;
  const [start] = pair.key.range;
  const end = endOfPair(pair);
  if (map.flow === true)
    return [fromFlow(text, map.range, { start, end }, before && endOfPair(before), next?.key.range[0])];
  return [fromBlock(text, { start, end }, next?.key.range[0])];
}

/** A list without an item, which is not its only one. */
export function removeItem(text: string, seq: YamlSeq, index: number): readonly Splice[] {
  const item = seq.items[index] as Node | undefined;
  if (item === undefined) return [];
  const before = seq.items[index - 1] as Node | undefined;
  const next = seq.items[index + 1] as Node | undefined;
  const end = endOf(item);
  if (seq.flow === true)
    return [fromFlow(text, seq.range, { start: item.range[0], end }, before && endOf(before), next?.range[0])];
  const dashes = dashesOf(seq);
  return [fromBlock(text, { start: dashes[index] ?? item.range[0], end }, dashes[index + 1])];
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Whole lines; where something else begins the line, as in `- key: 1`, what follows moves up. */
function fromBlock(text: string, { start, end }: Stretch, next: number | undefined): Splice {
  const stop = lineEnd(text, end);
  if (isFirst(text, start)) {
    const from = lineStart(text, start);
    // The end of the file stays as it is, with or without an end of its line.
    const isOpen = stop === text.length && text[stop - 1] !== '\n' && from > 0;
    const eol = isOpen ? (/\r?\n$/.exec(text.slice(0, from))?.[0].length ?? 0) : 0;
    return { start: from - eol, end: stop, text: '' };
  }
  if (next !== undefined && text.slice(stop, next).trim() === '') return { start, end: next, text: '' };
  return { start, end, text: '' };
}

/** With one of its commas, and with its line where it has one of its own. */
function fromFlow(
  text: string,
  [open, close]: readonly [number, number, ...unknown[]],
  { start, end }: Stretch,
  before: number | undefined,
  next: number | undefined,
): Splice {
  const bracket = text[open] ?? '[';
  if (before === undefined && next === undefined)
    return { start: open, end: close, text: bracket + (bracket === '[' ? ']' : '}') };
  const comma = /^[ \t]*,/.exec(text.slice(end))?.[0].length ?? 0;
  const behind = /^[ \t]*(#[^\r\n]*)?\r?\n/.exec(text.slice(end + comma))?.[0].length;
  const alone = isFirst(text, start) && behind !== undefined;
  if (alone && (comma > 0 || (before !== undefined && text.slice(before, start).includes('#'))))
    if (next !== undefined || text.slice(before, start).includes('#') || comma > 0)
      return { start: lineStart(text, start), end: end + comma + behind, text: '' };
  if (next !== undefined) return { start, end: next, text: '' };
  return { start: before ?? start, end, text: '' };
}
