import type { Path } from './layer.ts';

/** Something wrong with the value of a stack of files, by path; it becomes a `Problem` when its place is looked up. */
export interface Finding {
  readonly code: string;
  readonly path: Path;
  /** What the caret underlines. */
  readonly part: 'key' | 'value';
  readonly summary: string;
  readonly detail?: string;
  /** May quote the text as it was written, where that holds no secret. */
  readonly hint?: string | ((written: string | undefined) => string);
  /** The key that was probably meant: it is not missing then. */
  readonly meant?: string;
}
