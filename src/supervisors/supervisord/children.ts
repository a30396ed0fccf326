import { childPidsOf, listPids, type ProcessRef, statOf, variablesOf } from '../../host/procfs.ts';
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
  let known = new Map<number, Child | undefined>();
  return (supervisord) => {
    const next = new Map<number, Child | undefined>();
    for (const pid of childPidsOf(supervisord)) {
      const stat = statOf(pid);
      if (stat === undefined || stat.state === 'Z' || stat.state === 'X') continue;
      const before = known.get(pid);
      const child = before?.start === stat.start ? before : childOf({ pid, start: stat.start });
      // Between fork and exec it still has the environment of supervisord: it is looked at again.
      if (child !== undefined) next.set(pid, child);
    }
    known = next;
    return [...next.values()].filter((child) => child !== undefined);
  };
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
 * of this pid.
 */
export function orphansOf(socket: string, ours: number | undefined): readonly number[] {
  const url = `unix://${socket}`;
  return listPids().filter((pid) => {
    if (pid === ours || pid === process.pid || statOf(pid)?.ppid === ours) return false;
    return variablesOf(pid)?.('SUPERVISOR_SERVER_URL') === url;
  });
}
