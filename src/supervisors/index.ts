import type { FieldTable, SupervisorName } from '../model.ts';
import { BUILTIN_FIELDS } from './builtin/fields.ts';
import type { Supervisor } from './supervisor.ts';

/** What each supervisor makes of each field: one line a supervisor. */
export const FIELDS: ReadonlyMap<SupervisorName, FieldTable> = new Map([['builtin', BUILTIN_FIELDS]]);

/** The supervisors in use, by name. */
export function supervisorsOf(...supervisors: readonly Supervisor[]): ReadonlyMap<SupervisorName, Supervisor> {
  return new Map(supervisors.map((supervisor) => [supervisor.name, supervisor]));
}
