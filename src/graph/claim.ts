import type { Thing } from '../thing.ts';

/** Something of this host that runs commands without anybody's doing: at boot, by a schedule, by its supervisor. */
export interface Claim {
  readonly what: 'unit' | 'program' | 'cron' | 'timer';
  readonly thing: Thing;
  /** What each of its processes is called, of a program of a supervisord. */
  readonly parts?: readonly Thing[];
  readonly runs: readonly Line[];
  /** The unit that a timer starts. */
  readonly starts?: { readonly unit: string; readonly where: string };
}

/** One command line of it. */
export interface Line {
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly user: string | undefined;
  /** `file:line`. */
  readonly where: string;
  /** It is what the unit or program is about: not what is done before or after. */
  readonly main: boolean;
}

/** What was read, and in words what could not be. */
export interface Claims {
  readonly claims: readonly Claim[];
  readonly unreadable: readonly string[];
}
