import type { ServiceFile } from './desired/generated/service.ts';
import type { ServiceId } from './model.ts';
import type { Problem } from './problem.ts';
import { maskWords } from './secrets.ts';

/** What `supersedes` of a service names: something of others on this host that must not run beside it. */
export type Thing =
  | { readonly kind: 'unit'; readonly unit: string }
  | { readonly kind: 'timer'; readonly timer: string }
  /** `config` is the main configuration file of its supervisord. */
  | { readonly kind: 'program'; readonly program: string; readonly config: string }
  /** Each process with exactly these arguments, of that user where one is named. */
  | { readonly kind: 'process'; readonly command: readonly string[]; readonly user?: string }
  /** A line of a crontab, as it is written there; blanks at its ends and how many between its words are no matter. */
  | { readonly kind: 'cron'; readonly line: string };

/** The drop-in that keeps a unit or timer from being started that a service has superseded, and bears what it was before. */
export const SUPERSEDED = '50-reconciled-superseded.conf';

/** A process beyond doubt within one boot. `start` counts clock ticks since boot. */
export interface ProcessMark {
  readonly pid: number;
  readonly start: number;
}

/** What a thing was before it was taken over: kept on the host beside the thing itself, for the way back. */
export interface Taken {
  readonly owner: string;
  readonly by: ServiceId;
  /** It was started at boot, on a schedule, or by its supervisor's own start. */
  readonly enabled: boolean;
  /** It was running. */
  readonly ran: boolean;
}

export type ThingState =
  | { readonly kind: 'unreadable'; readonly problem: Problem }
  /** There is no such thing here, and never was or not any more. */
  | { readonly kind: 'absent' }
  | There;

export interface There {
  readonly kind: 'there';
  /** All its living processes, the main one first; empty where it is down. */
  readonly processes: readonly ProcessMark[];
  /** It is started without anybody's doing: at boot, on a schedule, by its supervisor. */
  readonly enabled: boolean;
  /** It has no process this moment, but its manager is about to start one, as between two restarts. */
  readonly starting?: true;
  /** What keeps it from being started: ours, and `until-boot` or for good. */
  readonly blocked?: 'until-boot' | 'for-good';
  readonly taken?: Taken;
  /** Where it is defined, for people: `/etc/systemd/system/web.service`, `/etc/crontab:12`; absent for a process. */
  readonly where?: string;
}

/** The things that a service file supersedes, in the order they are written. */
export function thingsOf({ supersedes = [] }: Pick<ServiceFile, 'supersedes'>): Thing[] {
  return supersedes.flatMap(({ unit, timer, program, config, process, user, cron }): Thing[] => {
    if (unit !== undefined) return [{ kind: 'unit', unit }];
    if (timer !== undefined) return [{ kind: 'timer', timer }];
    if (program !== undefined && config !== undefined) return [{ kind: 'program', program, config }];
    if (process !== undefined) return [{ kind: 'process', command: process, ...(user === undefined ? {} : { user }) }];
    return cron === undefined ? [] : [{ kind: 'cron', line: cron }];
  });
}

/** Does it take over something of systemd's? */
export function supersedesUnits({ supersedes = [] }: Pick<ServiceFile, 'supersedes'>): boolean {
  return supersedes.some(({ unit, timer }) => unit !== undefined || timer !== undefined);
}

/** What a thing is called, for people and in logs, secrets masked: `web.service`, `program web of /etc/supervisord.conf`. */
export function nameOfThing(thing: Thing): string {
  return named(thing, (words) => maskWords(words));
}

/** What is the same for two things that are the same, and for no others; not for people. */
export function keyOfThing(thing: Thing): string {
  return named(thing, (words) => words);
}

function named(thing: Thing, shown: (words: readonly string[]) => readonly string[]): string {
  switch (thing.kind) {
    case 'unit':
      return thing.unit;
    case 'timer':
      return thing.timer;
    case 'program':
      return `program ${thing.program} of ${thing.config}`;
    case 'process':
      return `\`${shown(thing.command).join(' ')}\`${thing.user === undefined ? '' : ` of ${thing.user}`}`;
    case 'cron':
      return `cron line \`${shown(thing.line.trim().split(' ')).join(' ')}\``;
  }
}
