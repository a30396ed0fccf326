import type { Json } from './canonical.ts';

/** Who says what a setting is. */
export type Sayer =
  | { readonly kind: 'flag'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  /** Nobody says it; `why`: what the default depends on. */
  | { readonly kind: 'default'; readonly why?: string };

/** A setting as it is in effect, secrets masked; null where there is none. */
export interface Said {
  readonly field: string;
  readonly value: Json;
  readonly from: Sayer;
}
