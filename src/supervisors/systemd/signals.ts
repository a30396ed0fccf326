import * as z from 'zod/mini';
import { DBUS, DBUS_PATH, type Signal } from '../shared/bus.ts';
import { unitName } from './bus-path.ts';
import { JOB_RESULTS, type JobResult } from './jobs.ts';

export const SYSTEMD = 'org.freedesktop.systemd1';
export const MANAGER = 'org.freedesktop.systemd1.Manager';
export const MANAGER_PATH = '/org/freedesktop/systemd1';
export const PROPERTIES = 'org.freedesktop.DBus.Properties';

const FROM_MANAGER = `type='signal',sender='${SYSTEMD}',interface='${MANAGER}'`;

/**
 * What the bus is to bring us; the rest stays where it is. Of a unit that changed systemd sends the properties of its
 * kind, then those that all units have: these are enough. UnitNew and UnitRemoved are left out: they say what is in
 * memory, which each reading of a unit that is not in use changes twice.
 */
export const RULES: readonly string[] = [
  `type='signal',sender='${DBUS}',interface='${DBUS}',member='NameOwnerChanged',arg0='${SYSTEMD}'`,
  `${FROM_MANAGER},member='JobRemoved'`,
  `${FROM_MANAGER},member='JobNew',arg2='shutdown.target'`,
  `${FROM_MANAGER},member='UnitFilesChanged'`,
  `${FROM_MANAGER},member='Reloading'`,
  `type='signal',sender='${SYSTEMD}',interface='${PROPERTIES}',member='PropertiesChanged',path_namespace='${MANAGER_PATH}/unit',arg0='${SYSTEMD}.Unit'`,
];

/** What a signal of systemd says. */
export type Heard =
  /** It came into another state, or a job of it came or went; where it is now, as far as told. */
  | {
      readonly kind: 'unit-changed';
      readonly unit: string;
      readonly active: string | undefined;
      readonly sub: string | undefined;
      /** A job of it waits or runs. */
      readonly job: boolean | undefined;
      /** When its state changed the last time: milliseconds since the epoch, undefined for never. */
      readonly at: number | undefined;
    }
  | { readonly kind: 'job-ended'; readonly unit: string; readonly path: string; readonly result: JobResult }
  /** Units were enabled, disabled, masked or unmasked, by somebody who asked systemd to. */
  | { readonly kind: 'unit-files-changed' }
  /** From now until `reloaded` it tells of units that have not changed. */
  | { readonly kind: 'reloading' }
  | { readonly kind: 'reloaded' }
  /** The host, or the user's session, is about to end: what stops now is stopped by nobody. */
  | { readonly kind: 'shutdown' };

const Job = z.tuple([z.number(), z.string(), z.string(), z.string()]);
const Reloading = z.tuple([z.boolean()]);
const UnitChange = z.tuple([
  z.string(),
  z.object({
    ActiveState: z.optional(z.string()),
    SubState: z.optional(z.string()),
    Job: z.optional(z.tuple([z.number(), z.string()])),
    StateChangeTimestamp: z.optional(z.number()),
  }),
  z.array(z.string()),
]);

/** Undefined for what we did not ask for or can't make sense of. The sender is the caller's to check. */
export function hear(signal: Signal): Heard | undefined {
  switch (signal.member) {
    case 'PropertiesChanged': {
      const unit = unitName(signal.path);
      const { data } = UnitChange.safeParse(signal.body);
      if (unit === undefined || data === undefined) return undefined;
      const [, { ActiveState: active, SubState: sub, Job: job, StateChangeTimestamp: at }] = data;
      return {
        kind: 'unit-changed',
        unit,
        active,
        sub,
        job: job && job[0] !== 0,
        at: at ? Math.floor(at / 1000) : undefined,
      };
    }
    case 'JobRemoved': {
      const { data } = Job.safeParse(signal.body);
      return data && { kind: 'job-ended', unit: data[2], path: data[1], result: resultOf(data[3]) };
    }
    case 'JobNew':
      return signal.body[2] === 'shutdown.target' ? { kind: 'shutdown' } : undefined;
    case 'UnitFilesChanged':
      return { kind: 'unit-files-changed' };
    case 'Reloading': {
      const { data } = Reloading.safeParse(signal.body);
      return data && { kind: data[0] ? 'reloading' : 'reloaded' };
    }
    default:
      return undefined;
  }
}

const Owner = z.tuple([z.literal(SYSTEMD), z.string(), z.string()]);

/** The new owner of systemd's name, '' for none, where that is what a signal says. */
export function newOwner(signal: Signal): string | undefined {
  if (signal.sender !== DBUS || signal.path !== DBUS_PATH || signal.member !== 'NameOwnerChanged') return undefined;
  return Owner.safeParse(signal.body).data?.[2];
}

function resultOf(word: string): JobResult {
  return JOB_RESULTS.find((known) => known === word) ?? 'failed';
}
