import type { Source } from './source.ts';

/** A map as YAML and JSON have it. */
export type Tree = { readonly [key: string]: unknown };
export type Path = readonly (string | number)[];

/** What files of a desired state hold. */
export type Kind = 'service' | 'policy' | 'host' | 'supervisor';

/** Where a file of a service lies: the base, the layer of a label, the layer of this host. */
export interface Layer {
  readonly kind: 'base' | 'label' | 'host';
  readonly source: Source;
}

/** All files that make one service, lowest first; never empty. Other files are stacks of one. */
export interface Stack {
  readonly name: string;
  readonly layers: readonly [Layer, ...Layer[]];
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is at a path, own keys only. */
export function at(value: unknown, path: Path): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string | number, unknown>)[key];
  }
  return here;
}

/** `health[0].http.url` */
export function dotted(path: Path): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}
