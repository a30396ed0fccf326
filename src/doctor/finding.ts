/** How bad it is: `error` where something does not work, or is not safe; `warning` where it may soon, or not as one would expect. */
export type Grade = 'ok' | 'warning' | 'error';

/** One thing that was looked at, and how it is. */
export interface Finding {
  /** Stable, kebab-case, for programs. */
  readonly check: string;
  readonly grade: Grade;
  /** In one line. */
  readonly says: string;
  /** What it is known by: values that were read, names, places. */
  readonly evidence?: readonly string[];
  /** What to do, in words. */
  readonly hint?: string;
  /** The commands that mend it, as one would type them. */
  readonly mend?: readonly string[];
}

export interface Diagnosis {
  readonly topics: readonly { readonly topic: string; readonly findings: readonly Finding[] }[];
}

/** What a check has besides its grade. */
type More = Omit<Finding, 'check' | 'grade' | 'says'>;

export const ok = (check: string, says: string, more: More = {}): Finding => ({ check, grade: 'ok', says, ...more });
export const warning = (check: string, says: string, more: More = {}): Finding => ({
  ...{ check, grade: 'warning', says },
  ...more,
});
export const bad = (check: string, says: string, more: More = {}): Finding => ({
  ...{ check, grade: 'error', says },
  ...more,
});

/** So many of a list, and how many more there are. */
export function some(list: readonly string[], most = 5): readonly string[] {
  return list.length <= most ? list : [...list.slice(0, most), `and ${list.length - most} more`];
}

/** One word for a shell. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}

/** A mode as chmod takes it. */
export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
