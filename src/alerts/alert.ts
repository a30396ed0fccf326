import type { ServiceId } from '../model.ts';

/** `info`: nobody has to do anything. `warning`: somebody should, some time. `critical`: now. */
export type Severity = 'info' | 'warning' | 'critical';

/** What an alert can be about; docs/alerts.md tells of each. */
export type AlertKind =
  | 'down'
  | 'health'
  | 'dependency'
  | 'breaker'
  | 'acted'
  | 'verify'
  | 'apply'
  | 'held'
  | 'duel'
  | 'drift'
  | 'hold'
  | 'gate'
  | 'approval'
  | 'observed'
  | 'desired-state'
  | 'source'
  | 'trouble'
  | 'test';

/** Something that is to be told, as long as it is so. */
export interface Condition {
  /** What it is about, the same every time (`down:web`): there is one at a time of each. */
  readonly key: string;
  readonly kind: AlertKind;
  readonly severity: Severity;
  readonly service?: ServiceId;
  /** One line: `web is FATAL`. */
  readonly title: string;
  /** Why, where that is known. */
  readonly text?: string;
  /** What to do next. */
  readonly hint?: string;
  /** ms. Nobody will tell that it is over: it is, where it did not come again for so long. */
  readonly lasts?: number;
}

/** What has changed, and is told now. Times are ms since the epoch. */
export interface Change {
  readonly condition: Condition;
  /** The services it is about; none: the host. */
  readonly about: readonly ServiceId[];
  readonly state: 'firing' | 'resolved';
  /** The gravest that was told of it since it began: whoever was told that it is so is told that it is over. */
  readonly peak: Severity;
  readonly since: number;
  readonly at: number;
  /** It comes and goes, and no more is told of it until it has been as it is for a while. */
  readonly flaps?: true;
  /** Of what is over: how that was seen, where it was not just so. */
  readonly how?: string;
}

/** One of those that an alert is about. */
export interface Member {
  readonly key: string;
  readonly service?: ServiceId;
  readonly title: string;
  readonly since: number;
}

/** What is sent: one change, or several of a kind in one. */
export interface Alert {
  /** Of this message: one that comes twice has the same. */
  readonly id: string;
  /** `down:web`; of several `down:*`. */
  readonly key: string;
  readonly kind: AlertKind;
  readonly severity: Severity;
  readonly state: 'firing' | 'resolved';
  readonly title: string;
  readonly text?: string;
  readonly hint?: string;
  readonly service?: ServiceId;
  readonly group?: string;
  /** All that it is about, as far as there is room for them; `count` is how many there are. */
  readonly members: readonly Member[];
  readonly count: number;
  readonly since: number;
  readonly at: number;
  readonly flaps?: true;
  readonly host: string;
  readonly owner: string;
  /** What is in force, where that is known. */
  readonly revision?: string;
  /** So many before this one could not be told to this target. */
  readonly dropped?: number;
}

const GRAVITY: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return GRAVITY[severity] >= GRAVITY[least];
}

export function graver(a: Severity, b: Severity): Severity {
  return isAtLeast(a, b) ? a : b;
}
