import { yaml } from '../desired/yaml.ts';
import type { Wanted } from './lines.ts';

/** What is to become of a value of a file: another one, one more of a list, or none. */
export type Edit = Wanted | { readonly kind: 'remove'; readonly path: readonly string[] };

/**
 * The text of a YAML file with something else in it; comments, order and whatever is not touched stay as they are. The YAML
 * parser has to be loaded.
 */
export function edited(text: string, edits: readonly Edit[]): string {
  const json = jsonIn(text);
  if (json === undefined) return edits.reduce(editOne, text);
  for (const edit of edits) editTree(json, edit);
  const [, indent] = /^\{\s*\n(\s+)/.exec(text) ?? [];
  return `${JSON.stringify(json, null, indent)}${text.endsWith('\n') ? '\n' : ''}`;
}

type Tree = { [key: string]: unknown };

function jsonIn(text: string): Tree | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && !Array.isArray(value) ? (value as Tree) : undefined;
  } catch {
    return undefined;
  }
}

/** Changes a tree in place. */
export function editTree(tree: Tree, edit: Edit): void {
  const [last = '', ...above] = [...edit.path].reverse();
  let at = tree;
  for (const key of above.reverse()) {
    at[key] ??= {};
    at = at[key] as Tree;
  }
  if (edit.kind === 'remove') delete at[last];
  else if (edit.kind === 'set') at[last] = edit.value;
  else at[last] = [...((at[last] as unknown[] | undefined) ?? []), edit.value];
}

function editOne(text: string, edit: Edit): string {
  const { parseDocument, isScalar, isMap, stringify } = yaml();
  const document = parseDocument(text, { keepSourceTokens: true });
  const { path } = edit;
  const node = document.getIn(path, true);
  if (edit.kind === 'set' && isScalar(node) && node.range && !isObject(edit.value) && !isBlock(node.type)) {
    const [start, end] = node.range;
    return `${text.slice(0, start)}${stringify(edit.value, FORM).trimEnd()}${text.slice(end)}`;
  }
  const [key = '', ...below] = path;
  const { contents } = document;
  const isNew = isMap(contents) && !contents.flow && !contents.has(key);
  if (edit.kind !== 'remove' && isNew) {
    const value = edit.kind === 'add' ? [edit.value] : edit.value;
    const tree = below.reduceRight<unknown>((inner, one) => ({ [one]: inner }), value);
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${stringify({ [key]: tree }, FORM)}`;
  }
  if (edit.kind === 'remove') document.deleteIn(path);
  else if (edit.kind === 'set') document.setIn(path, edit.value);
  else if (node === undefined) document.setIn(path, [edit.value]);
  else document.addIn(path, document.createNode(edit.value, { flow: true }));
  return document.toString({ lineWidth: 0 });
}

const FORM = { lineWidth: 0 } as const;

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isBlock(type: string | undefined): boolean {
  return type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED';
}
