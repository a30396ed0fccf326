import type { Json } from '../canonical.ts';
import { isTree, type Path } from '../desired/layer.ts';

/** What is to become of a value of a file: another one, one more of a list at a place of it, or none. */
export type Edit =
  | { readonly kind: 'set'; readonly path: Path; readonly value: Json }
  | { readonly kind: 'add'; readonly path: Path; readonly value: Json }
  | { readonly kind: 'remove'; readonly path: Path };

type Tree = { [key: string | number]: unknown };

/** Changes a tree in place. A map that loses its last key goes with it, as long as it is the value of a key. */
export function editTree(tree: Tree, edit: Edit): void {
  const path = edit.kind === 'remove' ? wholeOf(tree, edit.path) : edit.path;
  const [last = '', ...above] = [...path].reverse();
  let at = tree;
  for (const key of above.reverse()) {
    if (edit.kind === 'remove' && (at[key] === undefined || at[key] === null)) return;
    at[key] ??= {};
    at = at[key] as Tree;
  }
  if (edit.kind === 'remove') {
    if (Array.isArray(at)) at.splice(Number(last), 1);
    else delete at[last];
  } else if (edit.kind === 'set') at[last] = edit.value;
  else at[last] = [...((at[last] as unknown[] | undefined | null) ?? []), edit.value];
}

/** What goes with a value that is removed: the highest map that would be left empty. */
export function wholeOf(tree: unknown, path: Path): Path {
  for (let length = 1; length < path.length; length += 1) {
    const above = path.slice(0, length);
    if (typeof above.at(-1) === 'string' && path.slice(length).every((_, i) => isOnly(tree, path.slice(0, length + i))))
      return above;
  }
  return path;
}

function isOnly(tree: unknown, path: Path): boolean {
  const here = path.reduce<unknown>((at, key) => (at as Tree | undefined)?.[key], tree);
  return isTree(here) && Object.keys(here).length === 1;
}

/** One change of a value, or of the items of a list. */
export type Small =
  | { readonly kind: 'set'; readonly path: Path; readonly value: Json }
  | { readonly kind: 'insert'; readonly path: Path; readonly value: Json }
  | { readonly kind: 'remove'; readonly path: Path };

/** The smallest changes that make one value of another: what is in both stays as it is written. */
export function smallEdits(before: unknown, after: Json, path: Path): Small[] {
  if (isSame(before, after)) return [];
  if (isTree(before) && isTree(after) && Object.keys(before).some((key) => Object.hasOwn(after, key))) {
    const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
    return [
      ...Object.entries(after).flatMap(([key, value]) => smallEdits(before[key], value as Json, [...path, key])),
      ...gone.map((key): Small => ({ kind: 'remove', path: [...path, key] })),
    ];
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length > 0 && after.length > 0)
    return ofLists(before, after as readonly Json[], path);
  return [{ kind: 'set', path, value: after }];
}

function ofLists(before: readonly unknown[], after: readonly Json[], path: Path): Small[] {
  const least = Math.min(before.length, after.length);
  let head = 0;
  while (head < least && isSame(before[head], after[head])) head += 1;
  let tail = 0;
  while (tail < least - head && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail += 1;
  const old = before.slice(head, before.length - tail);
  const young = after.slice(head, after.length - tail);
  const both = Math.min(old.length, young.length);
  return [
    ...young.slice(0, both).flatMap((value, i) => smallEdits(old[i], value, [...path, head + i])),
    ...young.slice(both).map((value, i): Small => ({ kind: 'insert', path: [...path, head + both + i], value })),
    ...old.slice(both).map((_, i): Small => ({ kind: 'remove', path: [...path, head + old.length - 1 - i] })),
  ];
}

/** Whatever the order of keys. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  if (!isTree(a) || !isTree(b)) return Object.is(a, b) || (a === 0 && b === 0);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

/** Without maps that hold nothing: whether one is there makes no difference. */
export function bare(value: unknown): unknown {
  if (!isTree(value)) return value;
  const left = Object.entries(value).map(([key, item]) => [key, bare(item)] as const);
  return Object.fromEntries(left.filter(([, item]) => !isTree(item) || Object.keys(item).length > 0));
}

/** Of its own in every part: what an alias stands for is one object in several places. */
export function copied<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copied) as T;
  if (!isTree(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)])) as T;
}
