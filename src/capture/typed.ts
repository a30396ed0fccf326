import type { ParsedNode } from 'yaml';
import type { Json } from '../canonical.ts';
import type { Kind, Path } from '../desired/layer.ts';
import { type Schema, schemaAt } from '../desired/schema.ts';
import { OPTIONS, yaml } from '../desired/yaml.ts';
import { Failure } from '../problem.ts';

/**
 * What somebody meant by a text that he typed for a field: the schema decides. A text field takes it as it stands (`8080`,
 * `3GiB`, `a # b`), with quotes around it what is in them; all else is read as YAML. In lists and maps the same holds for what
 * is in them. The YAML parser has to be loaded.
 */
export function typedValue(kind: Kind, path: Path, text: string, shown: string): Json {
  const { isScalar, parseDocument } = yaml();
  if (text === 'null') return null;
  const document = parseDocument(text, { ...OPTIONS, keepSourceTokens: true });
  const node = document.contents;
  const bad = document.errors[0];
  if (isText(schemaAt(kind, path))) {
    const quoted = bad === undefined && isScalar(node) && /^QUOTE/.test(node.type ?? '') && isWhole(node, text);
    return quoted ? String(node.value) : text;
  }
  if (bad !== undefined)
    throw new Failure({
      code: 'not-yaml',
      summary: `cannot read ${shown}: not YAML at character ${bad.pos[0] + 1} of the value`,
      hint: 'lists are written [one, two], keys { key: value }; quote what is more than a word, for the shell too',
    });
  return valueIn(kind, path, node);
}

function isWhole(node: ParsedNode, text: string): boolean {
  return text.trim().length === node.range[1] - node.range[0];
}

function isText(schema: Schema | undefined): boolean {
  return schema?.type === 'string';
}

function valueIn(kind: Kind, path: Path, node: ParsedNode | null): Json {
  const { isMap, isScalar, isSeq } = yaml();
  if (isSeq(node)) return node.items.map((item, i) => valueIn(kind, [...path, i], item as ParsedNode));
  if (isMap(node))
    return Object.fromEntries(
      node.items.map(({ key, value }) => {
        const name = isScalar(key) ? String(key.value) : '';
        return [name, valueIn(kind, [...path, name], value as ParsedNode | null)];
      }),
    );
  if (!isScalar(node)) return null;
  // `[sleep, 5]` and `{ PORT: 8080 }` are texts where texts belong.
  const schema = schemaAt(kind, path);
  if (isText(schema) && node.type === 'PLAIN') return String(node.source);
  // Of a line of `raw`: 1.50 is not 1.5 to everybody.
  const isOther = typeof node.value === 'number' && String(node.value) !== node.source;
  return isOther && schema === undefined ? String(node.source) : (node.value as Json);
}

/** One item of a list, or several: where its items are lists themselves what is typed is one. */
export function typedItems(kind: Kind, path: Path, text: string, shown: string): readonly Json[] {
  const items = schemaAt(kind, [...path, 0]);
  const isOne = !/^\s*\[/.test(text) || (items?.type === 'array' && !/^\s*\[\s*\[/.test(text));
  if (isOne) return [typedValue(kind, [...path, 0], text, shown)];
  const value = typedValue(kind, path, text, shown);
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}
