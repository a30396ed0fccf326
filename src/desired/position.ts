import type { Document, ParsedNode, Range } from 'yaml';
import type { Position } from '../problem.ts';
import { maskField, maskLine, SECRET_KEY } from '../secrets.ts';
import { dotted, type Path, type Tree } from './layer.ts';
import { maskSecrets } from './mask.ts';
import type { Source } from './source.ts';
import { OPTIONS, yaml } from './yaml.ts';

/** Longer lines are cut: an excerpt is to be read. */
const LONGEST = 1000;

/** A place in a source, and the text that is there where it holds no secret. */
export interface Place {
  readonly position: Position;
  readonly written: string | undefined;
}

let last: { readonly source: Source; readonly text: string; readonly document: Document.Parsed } | undefined;

/** A source parsed again, with positions. Only the last one is kept: problems come file by file. */
function parsed(source: Source) {
  if (last?.source === source) return last;
  const text = source.bytes.toString('utf8');
  last = { source, text, document: yaml().parseDocument(text, OPTIONS) };
  return last;
}

/** The value of a source that parses well. */
export function treeOf(source: Source): Tree {
  return parsed(source).document.toJS() as Tree;
}

/** Where a value, or its key, is written; where there is none, the nearest thing around it. */
export function locate(source: Source, path: Path, part: 'key' | 'value'): Place {
  const { isAlias, isMap, isPair, isScalar, isSeq } = yaml();
  const { document, text } = parsed(source);
  let node: unknown = document.contents;
  let key: unknown = isMap(node) ? node.items[0]?.key : undefined;
  let found = 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    const next: unknown = isMap(node)
      ? node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(step))
      : isSeq(node)
        ? node.items[Number(step)]
        : undefined;
    if (next === undefined || next === null) break;
    key = isPair(next) ? next.key : next;
    node = isPair(next) ? next.value : next;
    found += 1;
  }
  const whole = found === path.length && found > 0 && part === 'value';
  const range = (whole ? rangeOf(node) : undefined) ?? rangeOf(key) ?? [0, 1];
  const written = whole && isScalar(node) ? text.slice(range[0], range[1]) : undefined;
  return {
    position: positionAt(source, range[0], range[1]),
    // An empty text holds no secret, whatever its key.
    written: written === '' || maskField(dotted(path), written) === written ? written : undefined,
  };
}

/**
 * The position of a stretch of a source. Where its line holds a secret, the secret is masked and the key underlined. In
 * what does not parse nobody knows where a secret ends: below its key no line is shown.
 */
export function positionAt(source: Source, start: number, end: number): Position {
  const { text, document } = parsed(source);
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const [line = ''] = text.slice(from).split(/\r?\n/, 1);
  if (document.errors.length > 0 && keyOfSecret.test(text.slice(0, from))) {
    return { ...placeOf(source, text, from), column: start - from + 1, length: 1, excerpt: '' };
  }
  const excerpt = maskLine(maskSecrets(document, line, from));
  const place = placeOf(source, text, from);
  const column = start - from + 1;
  if (excerpt !== line && excerpt.slice(0, end - from) !== line.slice(0, end - from)) {
    const [, before = '', key = ''] = /^(\s*(?:- *)*)([^\s:]*)/.exec(excerpt) ?? [];
    return { ...place, column: before.length + 1, length: Math.max(1, key.length), excerpt: excerpt.slice(0, LONGEST) };
  }
  const length = Math.max(1, Math.min(end, from + line.length) - start);
  return { ...place, column, length, excerpt: excerpt.slice(0, LONGEST) };
}

const keyOfSecret = new RegExp(`(${SECRET_KEY.source})[A-Za-z0-9_.-]*["']?\\s*:`, 'i');

function placeOf({ file }: Source, text: string, from: number) {
  return { file, line: text.slice(0, from).split('\n').length };
}

function rangeOf(node: unknown): Range | undefined {
  return (node as ParsedNode | null | undefined)?.range ?? undefined;
}
