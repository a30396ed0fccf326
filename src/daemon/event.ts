import type { Freeze } from '../control/freeze.ts';
import type { Cause, DriftKind, Event, Held, Level } from '../model.ts';
import type { Problem } from '../problem.ts';
import type { SupervisorEvent } from '../supervisors/index.ts';
import type { SourceEvent } from './source.ts';
import type { VerifyEvent } from './verify.ts';

/** What the daemon tells whoever runs it: its log, its live view and the journal. */
export type DaemonEvent =
  | Event
  | SupervisorEvent
  | VerifyEvent
  | SourceEvent
  /** Before each run: what it is for, in a few words. */
  | { readonly kind: 'run'; readonly causes: readonly string[] }
  | { readonly kind: 'ready'; readonly socket: string; readonly adopted: number }
  /** The desired state is invalid; what was last good stays in force. */
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[]; readonly inForce: string | undefined }
  | { readonly kind: 'valid-again' }
  /** A person wants nothing changed, of a service, a group (`GROUP:*`) or everything (`*`); or does no more. */
  | ({ readonly kind: 'frozen' } & Freeze)
  | { readonly kind: 'unfrozen'; readonly name: string }
  | { readonly kind: 'trouble'; readonly problem: Problem }
  /** They are left alone, all for one reason; told once. */
  | {
      readonly kind: 'held';
      readonly services: readonly string[];
      readonly reason: Exclude<Held['reason'], { kind: 'drift' }>;
    }
  /** Somebody has changed it on the host; told once. */
  | { readonly kind: 'drift'; readonly service: string; readonly what: DriftKind; readonly until: number | undefined }
  /** Others keep undoing what is done to it: it is left alone from now on. */
  | {
      readonly kind: 'duel';
      readonly service: string;
      readonly rounds: number;
      readonly evidence: readonly string[];
    }
  | { readonly kind: 'health'; readonly service: string; readonly health: string; readonly why: string | undefined }
  | LevelEvent
  /** Something that it depends on is down or not well: from now on its own failures are put down to that. */
  | { readonly kind: 'waiting-for'; readonly service: string; readonly cause: Cause }
  /** That is over, after so long (ms): its probes begin anew, with its grace. */
  | { readonly kind: 'waiting-over'; readonly service: string; readonly on: string; readonly after: number };

/** How well it is has changed; undefined: it has no level, such as what is not to run. A first level that is HEALTHY is not told. */
export type LevelEvent = {
  readonly kind: 'level';
  readonly from: Level | undefined;
  readonly to: Level | undefined;
  /** What made it so; of a group and the host, the worst members. */
  readonly why: string | undefined;
} & (
  | { readonly of: 'service'; readonly service: string }
  | { readonly of: 'group'; readonly group: string }
  | { readonly of: 'host' }
);
