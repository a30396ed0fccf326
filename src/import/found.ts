import type { Json } from '../canonical.ts';
import type { Position, Problem } from '../problem.ts';

/** Where something that runs things on this host was found. */
export type Origin =
  /** `path`: the unit's main file. `dropIns`: files that its service file says, too, so that both would be too much. */
  | {
      readonly kind: 'unit';
      readonly unit: string;
      readonly path: string;
      readonly manager: 'system' | 'user';
      readonly dropIns?: readonly string[];
    }
  /** `config` is the main configuration file of its supervisord, `at` where its section begins. */
  | {
      readonly kind: 'program';
      readonly group: string;
      /** As in [program:NAME]. */
      readonly program: string;
      /** What `supersedes` of a service calls it: `web`, `dolphin:web` where it is in a group, `web:web_01` of several. */
      readonly thing: string;
      /** What supervisord calls those of its processes that this is about, each `group:NAME`. */
      readonly processes: readonly string[];
      readonly config: string;
      readonly at: Position;
    }
  /** A line of a crontab, as it is written there. */
  | { readonly kind: 'cron'; readonly line: string; readonly at: Position }
  | { readonly kind: 'process'; readonly pid: number; readonly command: readonly string[] }
  /** A file as a whole: it can't be read, or made sense of. */
  | { readonly kind: 'file'; readonly path: string };

/** What is not as before in what was made of it. */
export interface Loss {
  /** As it is written there: `[Service] Foo=`, `stdout_syslog`. */
  readonly key: string;
  /** Its value, secrets masked; absent where it was left out. */
  readonly value?: string;
  readonly at?: Position;
  /** Why it was not carried, in words that follow "because". */
  readonly why: string;
  /** It meant nothing where it was: what was made means the same without it. */
  readonly noEffect?: true;
}

/** A service file that was made of what was found. */
export interface Imported {
  readonly kind: 'imported';
  readonly origin: Origin;
  /** The stem of its file, a valid name of a service. */
  readonly name: string;
  /** What the file says (schemas/service.schema.json), in the order it is written in. */
  readonly service: Readonly<Record<string, Json>>;
  /** What a person should know, by the top-level key of `service` it stands over; '' is the head of the file. */
  readonly comments: ReadonlyMap<string, string>;
  /** Variables whose values must not get into Git: written to an environment file on the host. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly losses: readonly Loss[];
}

/** Nothing was made of it: `problem` says why, and what would be right. */
export interface Refused {
  readonly kind: 'refused';
  readonly origin: Origin;
  readonly problem: Problem;
}

export type Found = Imported | Refused;

/** A supervisord of ours, that takes the place of the one whose configuration was imported. */
export interface FoundSupervisor {
  /** The main configuration file that was imported. */
  readonly path: string;
  /** The stem of its file in supervisors/; services name it as `supervisord/NAME`. */
  readonly name: string;
  /** What the file says (schemas/supervisor.schema.json), in the order it is written in. */
  readonly supervisor: Readonly<Record<string, Json>>;
  /** As those of a service. */
  readonly comments: ReadonlyMap<string, string>;
  /** What is said to supervisord itself and not carried. */
  readonly losses: readonly Loss[];
}

/** What a supervisord configuration holds: `importPrograms(config, options)` of programs.ts. */
export interface ProgramsFound {
  /** Undefined where nothing was imported from it. */
  readonly supervisor: FoundSupervisor | undefined;
  readonly found: readonly Found[];
  /** What is odd and keeps nothing from being imported: a pattern of [include] that stands for no file. */
  readonly notices: readonly Problem[];
}
