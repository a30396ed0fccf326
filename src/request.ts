import type { ServiceId } from './model.ts';

export interface Back {
  readonly commit?: string;
  readonly only: readonly string[];
  /** Who does, for people. */
  readonly by?: string;
}

/** What one run is asked to do, besides making everything as Git says. */
export interface Request {
  /** Only these services (names or ids); all where empty. */
  readonly only: readonly string[];
  /** Services a person asks to start, though they wait for a first start, are FATAL or HELD. */
  readonly asked: readonly string[];
  /** The fingerprint of a saved plan: anything else is refused. */
  readonly expect?: string;
  /** Take over an owner name that belonged to another desired-state directory. */
  readonly claim?: boolean;
  /** What waits for the next start of its process is to take effect now. */
  readonly restartStaged?: boolean;
  /** A person goes back to a commit, where none is named to the one before, with all services or with these alone. */
  readonly back?: Back;
  /** A person wants what is quarantined to be tried again. */
  readonly retry?: boolean;
  /** A person wants it done though a window is shut, or it is frozen. */
  readonly override?: { readonly why: string; readonly by: string };
  /** Only to look at: as if all that waits for an approval had one. */
  readonly approved?: boolean;
  /** A person has looked at what waits for an approval, by its id. */
  readonly approve?: { readonly plan: string; readonly by: string };
  /** Services that a failing probe wants restarted. */
  readonly unwell?: ReadonlyMap<ServiceId, { readonly probe: string; readonly why: string; readonly pid: number }>;
  /** A person wants these stopped, and left alone until then (ms since the epoch). */
  readonly stop?: {
    readonly names: readonly string[];
    readonly until: number;
    readonly why: string;
    readonly by: string;
  };
  /** A person wants these restarted. */
  readonly restart?: readonly string[];
  /** A person wants these no longer left alone. */
  readonly release?: readonly string[];
  /** Nothing is going to be applied. */
  readonly looking?: boolean;
}

export const EVERYTHING: Request = { only: [], asked: [] };
