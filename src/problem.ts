/** Where something was written. Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters the caret underlines; at least 1. */
  readonly length: number;
  /** The text of the line, without its line end. */
  readonly excerpt: string;
}

/**
 * What is wrong, as a value. A problem is data: views render it, nothing throws it across modules but `Failure`.
 * - `code`: stable, kebab-case, for programs (`unknown-key`).
 * - `summary`: one line for people; where an act failed, "cannot X: why".
 * - `detail`: more lines, such as the other place of a duplicate.
 * - `hint`: what would be right, or what to do next.
 */
export interface Problem {
  readonly code: string;
  readonly summary: string;
  readonly at?: Position;
  /** The file it is about, where there is no position. */
  readonly file?: string;
  /** The dotted path of the field it is about (`limits.core`), from which a position can be found. */
  readonly field?: string;
  readonly detail?: string;
  readonly hint?: string;
}

/** Carries problems up to the one place that reports them; never for a defect of ours. */
export class Failure extends Error {
  readonly problems: readonly Problem[];
  constructor(...problems: readonly Problem[]) {
    super(problems.map((p) => p.summary).join('; '));
    this.name = 'Failure';
    this.problems = problems;
  }
}

/** The reason a system call gave, in words people know, without path and call name. */
export function why(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return (code !== undefined && WORDS[code]) || (error instanceof Error ? error.message : String(error));
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the address is in use',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EEXIST: 'something else is there already',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many open files on this host',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of the path is not a directory',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ETIMEDOUT: 'timed out',
};

/** Marks the end of an exhaustive switch: fails to compile when a member is missing. */
export function unreachable(x: never): never {
  throw new Error(`unreachable: ${JSON.stringify(x)}`);
}
