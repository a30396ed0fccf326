import type { Finding } from './finding.ts';
import { at, isTree, type Layer, type Path, type Tree } from './layer.ts';

/** A layer with what its file holds. */
export interface ParsedLayer extends Layer {
  readonly value: Tree;
}

/** RFC 7396: maps merge, `null` deletes, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch;
  const merged = new Map<string, unknown>(isTree(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

/** The paths that both patches set, unless both only reach further down there. */
export function conflicts(a: Tree, b: Tree, path: Path = []): Path[] {
  return Object.keys(b)
    .filter((key) => Object.hasOwn(a, key))
    .flatMap((key) => {
      const [one, other] = [a[key], b[key]];
      return isTree(one) && isTree(other) ? conflicts(one, other, [...path, key]) : [[...path, key]];
    });
}

/** What the labels' layers disagree about, each told at the later one. */
export function labelConflicts(
  layers: readonly ParsedLayer[],
): { readonly layer: ParsedLayer; readonly finding: Finding; readonly other: ParsedLayer }[] {
  const labels = layers.filter(({ kind }) => kind === 'label');
  return labels.flatMap((layer, i) =>
    labels.slice(0, i).flatMap((other) =>
      conflicts(other.value, layer.value).map((path) => ({
        layer,
        other,
        finding: {
          code: 'labels-conflict',
          path,
          part: 'key' as const,
          summary: `two labels of this host set ${path.join('.')}`,
          hint: 'set it in one of them, or in the layer of the host',
        },
      })),
    ),
  );
}

/** The layer a merged value at a path comes from, or the one that holds the nearest thing around it. */
export function layerOf<L extends ParsedLayer>(layers: readonly [L, ...L[]], path: Path): L {
  // Lists are replaced whole: what is in one is where the list is.
  const list = path.findIndex((key) => typeof key === 'number');
  for (let length = list < 0 ? path.length : list; length > 0; length -= 1) {
    const part = path.slice(0, length);
    const layer = layers.findLast(({ value }) => at(value, part) !== undefined);
    if (layer !== undefined) return layer;
  }
  return layers[0];
}
