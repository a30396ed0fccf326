import type { Group } from '../graph/cgroups.ts';
import type { ProcessRef } from '../host/procfs.ts';
import type { Deed } from './deeds.ts';

/** A process as it was when it was looked at. Times are milliseconds since the epoch. */
export interface Witness extends ProcessRef {
  readonly argv: readonly string[];
  /** The kernel's own name for it, at most 15 bytes. */
  readonly comm: string;
  readonly uid: number;
  /** By its control group. */
  readonly group?: Group;
  /** `group:name` where a supervisord has started it itself. */
  readonly program?: string;
  readonly began: number;
}

/** A short-lived command that does something to services, with those that it descends from at that time. */
export interface Job {
  readonly process: Witness;
  readonly deeds: readonly Deed[];
  /** Its parent first; ends below PID 1, or where a parent was gone already. */
  readonly parents: readonly Witness[];
  readonly firstSeen: number;
  /** When it was last seen alive. */
  readonly lastSeen: number;
}

/** One main process of a subject, from when it was seen to be the main one. */
export interface Generation {
  readonly subject: string;
  readonly process: Witness;
  readonly pgrp: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** When it was first seen to be gone; undefined while it lives. */
  readonly gone?: number;
}

/** What was seen in a time; bounded, the oldest is forgotten first. */
export interface Samples {
  /** What was first seen before was there already. */
  readonly since: number;
  readonly until: number;
  readonly jobs: readonly Job[];
  readonly generations: readonly Generation[];
  /** How many jobs and generations were forgotten. */
  readonly forgotten: number;
  /** The longest time (ms) between two looks: what began and ended within it was not seen. */
  readonly blind: number;
}

/** What is watched: how its processes are known. */
export type Handle =
  | { readonly kind: 'unit'; readonly unit: string; readonly user: boolean }
  /** `group:name`; `config` and `server` (its socket's URL) of its supervisord as far as known. */
  | {
      readonly kind: 'program';
      readonly group: string;
      readonly program: string;
      readonly config?: string;
      readonly server?: string;
    }
  /** Of the embedded supervisor. */
  | { readonly kind: 'stamp'; readonly owner: string; readonly id: string }
  | { readonly kind: 'process'; readonly argv: readonly string[]; readonly uid?: number };

export interface Subject {
  /** For people too, and unique: `web.service`, `program dolphin:web`. */
  readonly name: string;
  readonly handle: Handle;
}
