import type { AlertEvent } from '../alerts/alerter.ts';
import type { Freeze } from '../control/freeze.ts';
import type { BoardEvent } from '../health/board-event.ts';
import type { DriftKind, Event, Held, Touched } from '../model.ts';
import type { Problem } from '../problem.ts';
import type { RestartsEvent } from '../restarts/restarts.ts';
import type { SupervisorEvent } from '../supervisors/index.ts';
import type { ProbeEvent } from './probe-events.ts';
import type { SourceEvent } from './source.ts';
import type { UnwellEvent } from './unwell.ts';
import type { VerifyEvent } from './verify.ts';

/** What the daemon tells whoever runs it: its log, its live view and the journal. */
export type DaemonEvent =
  | Event
  | SupervisorEvent
  | VerifyEvent
  | SourceEvent
  | UnwellEvent
  | RestartsEvent
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
  | {
      readonly kind: 'drift';
      readonly service: string;
      readonly what: DriftKind;
      readonly until: number | undefined;
      readonly by?: string | undefined;
    }
  /** Others keep undoing what is done to it: it is left alone from now on. */
  | {
      readonly kind: 'duel';
      readonly service: string;
      readonly rounds: number;
      readonly evidence: readonly string[];
    }
  /** A person wants it left alone, or does no more. */
  | {
      readonly kind: 'held-by';
      readonly service: string;
      readonly by: string;
      readonly why: string;
      /** ms since the epoch */
      readonly until: number;
    }
  | { readonly kind: 'released'; readonly service: string }
  /** A person had its process signalled, or had it read its settings anew; `ended`: it ended by it. */
  | ({ readonly kind: 'touched'; readonly by: string } & Omit<Touched, 'supervisor'>)
  /** What is left as somebody made it, or alone, is made as Git says soon; `waits`: a person has to say so, and why. */
  | {
      readonly kind: 'hold-ends';
      readonly service: string;
      readonly until: number;
      readonly by: string | undefined;
      readonly waits: 'gate' | 'confirm' | undefined;
    }
  /** What waited for it goes on (`passed`), or has waited long enough (`over`), and what comes of that. */
  | {
      readonly kind: 'gate';
      readonly service: string;
      readonly gate: string;
      /** ms since the epoch */
      readonly since: number;
      readonly what:
        | { readonly kind: 'passed' }
        | { readonly kind: 'over'; readonly why: string; readonly otherwise: 'wait' | 'ask' | 'proceed' };
    }
  | ProbeEvent
  | AlertEvent
  | BoardEvent;
