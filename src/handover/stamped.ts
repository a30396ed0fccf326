import { dead, listPids, statOf, variablesOf } from '../host/procfs.ts';
import type { ServiceId, SupervisorName } from '../model.ts';
import { parseStamp, STAMP, SUPERVISOR, stampId } from '../stamp.ts';

/** Is there a living process that a supervisor has started for a service, whether or not it can still be asked? */
export function runsUnder(supervisor: SupervisorName, id: ServiceId): boolean {
  return listPids().some((pid) => {
    const variable = variablesOf(pid);
    const stamp = parseStamp(variable?.(STAMP) ?? '');
    if (stamp === undefined || stampId(stamp) !== id || (variable?.(SUPERVISOR) ?? 'builtin') !== supervisor)
      return false;
    const stat = statOf(pid);
    return stat !== undefined && !dead(stat);
  });
}
