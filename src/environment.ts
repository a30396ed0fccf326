import type { Position } from './problem.ts';

/** Who says what a variable is. */
export type Origin =
  /** The fixed base that every service of ours has. */
  | { readonly kind: 'base' }
  | { readonly kind: 'environment'; readonly at: Pick<Position, 'file' | 'line' | 'column'> | undefined }
  /** One of `environmentFiles`: its values are shown to nobody. */
  | { readonly kind: 'file'; readonly path: string }
  /** What marks a process as ours. */
  | { readonly kind: 'mark' }
  | { readonly kind: 'supervisor'; readonly name: string }
  /** Nobody that is known: a unit of others, a shell on the way. */
  | { readonly kind: 'other' };

export interface Variable {
  readonly name: string;
  readonly from: Origin;
  /** What its next start would have; null where it would have none, or nobody can say. Masked. */
  readonly declared: string | null;
  /** What the process has; null where it has none. Masked. */
  readonly running: string | null;
  /** `unknown`: it does not run, or can't be looked at, or nobody can say. */
  readonly state: 'same' | 'differs' | 'missing' | 'extra' | 'unknown';
}

export interface Environment {
  readonly id: string;
  /** It is in the desired state. */
  readonly isDeclared: boolean;
  readonly pid: number | null;
  /** Why that of its process is not shown, where it has one. */
  readonly unreadable: string | null;
  readonly files: readonly { readonly path: string; readonly unreadable: string | null }[];
  readonly variables: readonly Variable[];
}
