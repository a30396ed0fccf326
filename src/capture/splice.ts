import type { Document, Scalar } from 'yaml';
import type { Json } from '../canonical.ts';
import type { Path } from '../desired/layer.ts';
import { yaml } from '../desired/yaml.ts';
import { insertItem, insertPair } from './insert.ts';
import {
  type AnyPair,
  behindColon,
  endOf,
  isBare,
  isFirst,
  lineEnd,
  lineStart,
  type Node,
  pairOf,
  type Splice,
  type YamlMap,
  type YamlSeq,
} from './places.ts';
import { removeItem, removePair } from './remove.ts';
import { block, type Form, inline, type Quotes } from './render.ts';
import { copied, editTree, type Small } from './tree.ts';

/** What one small change does to a text; throws where there is no such place. */
export function splicesFor(text: string, document: Document.Parsed, edit: Small, form: Form): readonly Splice[] {
  const { isAlias, isMap, isScalar, isSeq } = yaml();
  const { path } = edit;
  if (isBare(document)) return edit.kind === 'remove' ? [] : atEnd(text, nested(path, edit), form);
  let node: Node | null = document.contents;
  let within: AnyPair | undefined;
  for (const [i, key] of path.entries()) {
    const rest = path.slice(i);
    const isLast = rest.length === 1;
    if (isAlias(node)) return writtenOut(document, node, { ...edit, path: rest }, form);
    if (isMap(node)) {
      const pair = pairOf(node as YamlMap, key);
      if (pair === undefined) {
        if (edit.kind === 'remove') return [];
        return insertPair(text, node as YamlMap, String(key), nested(rest.slice(1), edit), form);
      }
      if (isLast && edit.kind === 'remove') return removePair(text, node as YamlMap, pair);
      within = pair;
      node = pair.value;
    } else if (isSeq(node)) {
      const at = Number(key);
      if (isLast && edit.kind === 'remove') return removeItem(text, node as YamlSeq, at);
      if (isLast && edit.kind === 'insert') return insertItem(text, node as YamlSeq, at, edit.value, form);
      if (node.items[at] === undefined) return insertItem(text, node as YamlSeq, at, nested(rest.slice(1), edit), form);
      within = undefined;
      node = node.items[at] as Node;
    } else if (node === null || (isScalar(node) && node.value === null)) {
      return edit.kind === 'remove' ? [] : replace(text, within, node, nested(rest, edit), form);
    } else throw new Error(`no keys in ${path.slice(0, i).join('.')}`);
  }
  if (edit.kind !== 'set') throw new Error('what is inserted has a place in a list');
  return replace(text, within, node, edit.value, form);
}

/** The value that has the wanted one at a path. */
function nested(path: Path, edit: Small): Json {
  if (edit.kind === 'remove') return {};
  return path.reduceRight<Json>((value, key) => (typeof key === 'number' ? [value] : { [key]: value }), edit.value);
}

function atEnd(text: string, value: Json, form: Form): readonly Splice[] {
  const open = text !== '' && !text.endsWith('\n') ? form.eol : '';
  const lines = Object.entries(value as object).map(([key, item]) => block(key, item as Json, 0, form) + form.eol);
  return [{ start: text.length, end: text.length, text: open + lines.join('') }];
}

/** What stands for a value that is written elsewhere becomes that value, changed. */
function writtenOut(document: Document.Parsed, alias: Node, edit: Small, form: Form): readonly Splice[] {
  const { isAlias } = yaml();
  const value = isAlias(alias) ? alias.resolve(document)?.toJS(document) : undefined;
  const whole = { it: copied(value) };
  const path = ['it', ...edit.path];
  if (edit.kind === 'insert') {
    const list = edit.path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], value);
    const items = [...((list as Json[] | undefined) ?? [])];
    items.splice(Number(edit.path.at(-1)), 0, edit.value);
    editTree(whole, { kind: 'set', path: path.slice(0, -1), value: items });
  } else editTree(whole, { ...edit, path });
  const [start, end] = alias.range;
  return [{ start, end, text: inline((whole.it ?? {}) as Json, form) }];
}

/** Another value where one is. */
function replace(
  text: string,
  within: AnyPair | undefined,
  node: Node | null,
  value: Json,
  form: Form,
): readonly Splice[] {
  const { isMap, isScalar, isSeq } = yaml();
  if (node === null || (isScalar(node) && node.range[0] === node.range[1])) {
    const colon = within === undefined ? undefined : behindColon(within);
    const at = colon ?? within?.key.range[1] ?? node?.range[0] ?? text.length;
    return [
      { start: at, end: at, text: `${colon === undefined && within !== undefined ? ':' : ''} ${inline(value, form)}` },
    ];
  }
  const written = inline(value, form, quotesOf(node));
  const [start] = node.range;
  const end = endOf(node);
  if (isScalar(node) && /^BLOCK/.test(node.type ?? '')) {
    const note = /^[^\r\n#]*?([ \t]#[^\r\n]*)/.exec(text.slice(start, end))?.[1] ?? '';
    return [{ start, end, text: written + note + (text[end - 1] === '\n' ? form.eol : '') }];
  }
  const isBlock = (isMap(node) || isSeq(node)) && node.flow !== true;
  const colon = within === undefined ? undefined : behindColon(within);
  if (!isBlock || colon === undefined || !isFirst(text, start)) return [{ start, end, text: written }];
  // Behind the key, before a comment that may be there; and the lines of the block go.
  const head = /^[^\n#]*/.exec(text.slice(colon, start))?.[0] ?? '';
  const at = colon + head.trimEnd().length;
  const stop = lineEnd(text, end);
  const closes = stop === text.length && text[stop - 1] !== '\n';
  const from = lineStart(text, start);
  const eol = closes ? (/\r?\n$/.exec(text.slice(0, from))?.[0].length ?? 0) : 0;
  return [
    { start: at, end: at, text: ` ${written}` },
    { start: from - eol, end: stop, text: '' },
  ];
}

function quotesOf(node: Node): Quotes {
  switch ((node as Scalar.Parsed).type) {
    case 'QUOTE_SINGLE':
      return 'single';
    case 'QUOTE_DOUBLE':
      return 'double';
    default:
      return 'plain';
  }
}
