import {
  childPidsOf,
  commandOf,
  dead,
  descendantsOf,
  listPids,
  type ProcessRef,
  statOf,
  variablesOf,
} from '../../host/procfs.ts';
import type { ServiceId } from '../../model.ts';
import { SETTINGS, STAMP } from '../../stamp.ts';

/** A process that a supervisord has started itself, with what its environment says it was started from. */
export interface Child extends ProcessRef {
  readonly name: ServiceId;
  readonly group: string;
  readonly stamp: string | undefined;
  readonly settings: string | undefined;
}

/**
 * The processes of a supervisord now. It names each in its environment (supervisor.process: Subprocess._spawn_as_child);
 * what was read once of a process is known as long as that lives.
 */
export function createChildren(): (supervisord: number) => readonly Child[] {
  let known = new Map<number, Child>();
  return (supervisord) => {
    // One that another supervisord has started bears a name itself.
    const own = variablesOf(supervisord)?.('SUPERVISOR_PROCESS_NAME');
    const next = new Map<number, Child>();
    for (const pid of childPidsOf(supervisord)) {
      const stat = statOf(pid);
      if (stat === undefined || dead(stat)) continue;
      const before = known.get(pid);
      const child = before?.start === stat.start ? before : childOf({ pid, start: stat.start });
      // Between fork and exec it still has the environment of supervisord: it is looked at again.
      if (child === undefined || (child.name === own && isSameProgram(pid, supervisord))) continue;
      next.set(pid, child);
    }
    known = next;
    return [...next.values()];
  };
}

function isSameProgram(a: number, b: number): boolean {
  return commandOf(a).join('\0') === commandOf(b).join('\0');
}

function childOf(ref: ProcessRef): Child | undefined {
  const variable = variablesOf(ref.pid);
  const name = variable?.('SUPERVISOR_PROCESS_NAME');
  const group = variable?.('SUPERVISOR_GROUP_NAME');
  if (variable === undefined || name === undefined || group === undefined) return undefined;
  return { ...ref, name, group, stamp: variable(STAMP), settings: variable(SETTINGS) };
}

/**
 * What a supervisord that is gone has left behind: processes whose environment names its socket, but those below the one
 * of this pid. Each inherits it from its parent, unless it was given another.
 */
export function orphansOf(socket: string, ours: number | undefined): readonly number[] {
  const url = `unix://${socket}`;
  const below = new Set(ours === undefined ? [] : [ours, ...descendantsOf(ours).map(({ pid }) => pid)]);
  return listPids().filter((pid) => {
    if (below.has(pid) || pid === process.pid) return false;
    return variablesOf(pid)?.('SUPERVISOR_SERVER_URL') === url && lives(pid);
  });
}

function lives(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && !dead(stat);
}
