import type { Document, Pair, ParsedNode, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { yaml } from '../desired/yaml.ts';

/*
 * Where things end in the text of a YAML file. What a node's own range says of a block goes on to the next key: comments
 * and blank lines behind it are not its own.
 */

export type Node = ParsedNode;
export type AnyPair = Pair<ParsedNode, ParsedNode | null>;
export type YamlMap = YAMLMap.Parsed<ParsedNode, ParsedNode | null>;
export type YamlSeq = YAMLSeq.Parsed;

/** A text to put in place of a stretch of another. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function spliced(text: string, splices: readonly Splice[]): string {
  return [...splices]
    .sort((a, b) => b.start - a.start || b.end - a.end)
    .reduce((now, { start, end, text: put }) => now.slice(0, start) + put + now.slice(end), text);
}

/** Where the last character of a node is, and no comment, blank line or indent behind it. */
export function endOf(node: Node): number {
  const { isMap, isSeq } = yaml();
  if (isMap(node) && node.flow !== true) {
    const last = node.items.at(-1) as AnyPair | undefined;
    return last === undefined ? node.range[1] : endOfPair(last);
  }
  if (isSeq(node) && node.flow !== true) {
    const last = node.items.at(-1) as Node | undefined;
    // An item that holds nothing ends behind its dash.
    return last === undefined ? node.range[1] : endOf(last);
  }
  return node.range[1];
}

export function endOfPair({ key, value }: AnyPair): number {
  return value === null ? key.range[1] : Math.max(endOf(value), key.range[1]);
}

export function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Behind the end of the line that a place is on; a place right behind an end of a line is on no other. */
export function lineEnd(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at;
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

/** Nothing but blanks before a place on its line. */
export function isFirst(text: string, at: number): boolean {
  return text.slice(lineStart(text, at), at).trim() === '';
}

/** Of a block list: where the dash of each item is. */
export function dashesOf(seq: YamlSeq): readonly number[] {
  const token = seq.srcToken;
  if (token?.type !== 'block-seq') return [];
  return token.items.flatMap(({ start }) =>
    start.filter(({ type }) => type === 'seq-item-ind').map(({ offset }) => offset),
  );
}

/** Behind the colon of a key; undefined where there is none. */
export function behindColon(pair: AnyPair): number | undefined {
  const token = pair.srcToken;
  const sep = token !== undefined && 'sep' in token ? (token.sep ?? []) : [];
  const colon = sep.find(({ type }) => type === 'map-value-ind');
  return colon === undefined ? undefined : colon.offset + 1;
}

export function pairOf(map: YamlMap, key: string | number): AnyPair | undefined {
  const { isScalar } = yaml();
  return map.items.find((pair) => isScalar(pair.key) && String((pair.key as Scalar).value) === String(key)) as
    | AnyPair
    | undefined;
}

/** Holds nothing: no text at all, or a comment. */
export function isBare(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents === null || (yaml().isScalar(contents) && contents.value === null && contents.source === '');
}
