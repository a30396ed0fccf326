import type { Monitor } from '../health/health.ts';
import type { FieldTable, SupervisorName } from '../model.ts';
import { BUILTIN_FIELDS } from './builtin/fields.ts';
import { type Builtin, type BuiltinEvent, createBuiltin } from './builtin/index.ts';
import type { Supervisor } from './supervisor.ts';
import { SYSTEMD_FIELDS } from './systemd/fields.ts';
import type { SystemdEvent } from './systemd/tend.ts';

export type SupervisorEvent = BuiltinEvent | SystemdEvent;
export type Supervisors = ReadonlyMap<SupervisorName, Supervisor>;

/** What each supervisor makes of each field: one line a supervisor. */
export const FIELDS: ReadonlyMap<SupervisorName, FieldTable> = new Map([
  ['builtin', BUILTIN_FIELDS],
  ['systemd', SYSTEMD_FIELDS],
]);

export interface Means {
  readonly owner: string;
  readonly runtimeDir: string;
  readonly logDir: string;
  /** In a daemon: keeps services running. Else for one apply, or to look. */
  readonly supervise: boolean;
  readonly monitor: Monitor;
  /** What is being applied, for the records. */
  readonly revision?: () => string;
  readonly onEvent?: (event: SupervisorEvent) => void;
}

/** The supervisors of one process, each made when it is first needed. Disposing of it touches no service. */
export interface Registry extends AsyncDisposable {
  readonly builtin: Builtin;
  /** Those of these names, and the embedded one: it has to be looked at whatever Git says. */
  take(names: Iterable<SupervisorName>): Promise<Supervisors>;
}

export function openRegistry(means: Means): Registry {
  const builtin = createBuiltin(means);
  const open = new Map<SupervisorName, Supervisor>([['builtin', builtin]]);
  return {
    builtin,
    take: async (names) => {
      for (const name of names) if (!open.has(name)) open.set(name, await make(name, means));
      return open;
    },
    [Symbol.asyncDispose]: async () => {
      for (const supervisor of open.values()) await supervisor[Symbol.asyncDispose]();
    },
  };
}

async function make(name: SupervisorName, { owner, logDir, supervise, monitor, onEvent }: Means): Promise<Supervisor> {
  if (name !== 'systemd') throw new Error(`no supervisor ${name}`);
  // What speaks to it costs more to load than a whole command that does not.
  const { createSystemd } = await import('./systemd/index.ts');
  const scope = process.getuid?.() === 0 ? 'system' : 'user';
  return createSystemd({ owner, scope, logDir, supervise, monitor, ...(onEvent === undefined ? {} : { onEvent }) });
}
