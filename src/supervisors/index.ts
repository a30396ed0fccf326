import { join } from 'node:path';
import type { Monitor } from '../health/health.ts';
import type { Instance } from '../instance.ts';
import type { FieldTable, ServiceId, SupervisorName } from '../model.ts';
import type { WhoListens } from '../restarts/local-port.ts';
import { openRestarts, type Restarts } from '../restarts/restarts.ts';
import { BUILTIN_FIELDS } from './builtin/fields.ts';
import { type Builtin, type BuiltinEvent, createBuiltin } from './builtin/index.ts';
import type { Supervisor } from './supervisor.ts';
import { SUPERVISORD_FIELDS } from './supervisord/fields.ts';
import type { SupervisordEvent } from './supervisord/tend.ts';
import { SYSTEMD_FIELDS } from './systemd/fields.ts';
import type { SystemdEvent } from './systemd/tend.ts';

export type SupervisorEvent = BuiltinEvent | SystemdEvent | SupervisordEvent;
export type Supervisors = ReadonlyMap<SupervisorName, Supervisor>;

/** What each supervisor makes of each field: one line a supervisor. */
export const FIELDS: ReadonlyMap<SupervisorName, FieldTable> = new Map([
  ['builtin', BUILTIN_FIELDS],
  ['systemd', SYSTEMD_FIELDS],
  ['supervisord/NAME', SUPERVISORD_FIELDS],
]);

export interface Means {
  readonly owner: string;
  readonly runtimeDir: string;
  readonly logDir: string;
  /** In a daemon: keeps services running. Else for one apply, or to look. */
  readonly supervise: boolean;
  readonly monitor: Monitor;
  /** Who may be restarted, and when. Absent: as it was last counted, and by nobody but a person. */
  readonly restarts?: Restarts;
  /** Who has a service's port; absent: nobody looks. */
  readonly whoListens?: WhoListens;
  /** Does a person want it left alone, whatever happens to it? Absent: of none. */
  readonly isHeld?: (id: ServiceId) => boolean;
  /** What is being applied to a service, for the records. */
  readonly revision?: (id: ServiceId) => string;
  readonly onEvent?: (event: SupervisorEvent) => void;
}

/** The supervisors of one process, each made when it is first needed. Disposing of it touches no service. */
export interface Registry extends AsyncDisposable {
  readonly builtin: Builtin;
  /**
   * Those of these names, and the embedded one: it has to be looked at whatever Git says. `instances` are the supervisords
   * that are declared, and others that something of ours is under; one that is declared otherwise than before is made anew.
   */
  take(names: Iterable<SupervisorName>, instances?: readonly Instance[]): Promise<Supervisors>;
  /** The same of what was taken before, and nothing else; undefined where one would have to be made (anew). */
  taken(names: Iterable<SupervisorName>, instances?: readonly Instance[]): Supervisors | undefined;
}

export function openRegistry(given: Means): Registry {
  const restarts = given.restarts ?? openRestarts({ runtimeDir: given.runtimeDir });
  const means = { ...given, restarts };
  const builtin = createBuiltin(means);
  const open = new Map<SupervisorName, Supervisor>([['builtin', builtin]]);
  /** By what each was made. */
  const made = new Map<SupervisorName, string>();
  const isAtHand = (name: SupervisorName, instance: Instance | undefined) =>
    open.has(name) && (instance === undefined || made.get(name) === JSON.stringify(instance));
  return {
    builtin,
    take: async (names, instances = []) => {
      const byName = new Map(instances.map((instance) => [instance.supervisor as SupervisorName, instance]));
      for (const name of names) {
        const instance = byName.get(name);
        if (isAtHand(name, instance)) continue;
        await open.get(name)?.[Symbol.asyncDispose]();
        open.set(name, await make(name, instance, means));
        made.set(name, JSON.stringify(instance ?? null));
      }
      return open;
    },
    taken: (names, instances = []) => {
      const byName = new Map(instances.map((instance) => [instance.supervisor as SupervisorName, instance]));
      const wanted = new Set<SupervisorName>([...names, 'builtin']);
      if (![...wanted].every((name) => isAtHand(name, byName.get(name)))) return undefined;
      return new Map([...open].filter(([name]) => wanted.has(name)));
    },
    [Symbol.asyncDispose]: async () => {
      for (const supervisor of open.values()) await supervisor[Symbol.asyncDispose]();
      if (given.restarts === undefined) restarts[Symbol.dispose]();
    },
  };
}

/** What speaks to one costs more to load than a whole command that does not. */
async function make(
  name: SupervisorName,
  instance: Instance | undefined,
  means: Means & { readonly restarts: Restarts },
): Promise<Supervisor> {
  const { owner, runtimeDir, logDir, supervise, monitor, isHeld, restarts, whoListens, onEvent } = means;
  const all = {
    owner,
    logDir,
    supervise,
    monitor,
    restarts,
    whoListens,
    ...(isHeld === undefined ? {} : { isHeld }),
    ...(onEvent === undefined ? {} : { onEvent }),
  };
  if (instance !== undefined) {
    const { createSupervisord } = await import('./supervisord/index.ts');
    return createSupervisord({ ...all, instance });
  }
  if (name !== 'systemd') throw new Error(`no supervisor ${name}`);
  const { createSystemd } = await import('./systemd/index.ts');
  const scope = process.getuid?.() === 0 ? 'system' : 'user';
  return createSystemd({ ...all, scope, knownFile: join(runtimeDir, 'cache', 'restarts.json') });
}
