import { type Group, groupOf } from '../graph/cgroups.ts';
import { beganAt, cgroupsOf, commandOf, dead, namedStatOf, uidOf, variablesOf } from '../host/procfs.ts';
import { parseStamp, STAMP, type Stamp, SUPERVISOR, stampId } from '../stamp.ts';
import type { Handle, Witness } from './samples.ts';

export interface Look extends Witness {
  readonly ppid: number;
  readonly pgrp: number;
}

/** A process as it is now; undefined where it is gone or dead, or ends while it is looked at. Five small reads or six. */
export function lookAt(pid: number): Look | undefined {
  const stat = namedStatOf(pid);
  if (stat === undefined || dead(stat)) return undefined;
  const { start, ppid, pgrp, comm } = stat;
  const argv = commandOf(pid);
  const uid = uidOf(pid);
  // Without arguments it has ended meanwhile, or took them away.
  if (uid === undefined || (argv.length === 0 && isDead(pid))) return undefined;
  const ref = { pid, start };
  const group = unitOf(pid);
  const known = group === undefined ? {} : { group };
  return { ...ref, argv, comm, uid, ...known, began: beganAt(ref), ppid, pgrp };
}

function isDead(pid: number): boolean {
  const stat = namedStatOf(pid);
  return stat === undefined || dead(stat);
}

let root: readonly string[] | undefined;

/** Who systemd, or a container's engine, says that it belongs to. */
function unitOf(pid: number): Group | undefined {
  root ??= cgroupsOf(1) ?? [];
  return groupOf(cgroupsOf(pid) ?? [], root);
}

/** What is read of processes while one of them is looked at: each is read once, however many ask. */
export interface Reader {
  variables(pid: number): ReturnType<typeof variablesOf>;
  /** That of the embedded supervisor's services, and of what stands before them. */
  stamp(pid: number): Stamp | undefined;
}

export function createReader(): Reader {
  const known = new Map<number, ReturnType<typeof variablesOf>>();
  const stamps = new Map<number, Stamp | undefined>();
  const variables = (pid: number) => {
    if (!known.has(pid)) known.set(pid, variablesOf(pid));
    return known.get(pid);
  };
  return {
    variables,
    stamp: (pid) => {
      if (!stamps.has(pid)) {
        const variable = variables(pid);
        const ours = (variable?.(SUPERVISOR) ?? '') === '';
        stamps.set(pid, ours ? parseStamp(variable?.(STAMP) ?? '') : undefined);
      }
      return stamps.get(pid);
    },
  };
}

/** The `group:name` that a supervisord gives its programs; of their children too. */
export function programIn(
  pid: number,
  read: Reader = createReader(),
): { readonly name: string; readonly server: string | undefined } | undefined {
  const variable = read.variables(pid);
  const [name, group] = [variable?.('SUPERVISOR_PROCESS_NAME'), variable?.('SUPERVISOR_GROUP_NAME')];
  if (name === undefined || group === undefined) return undefined;
  return { name: `${group}:${name}`, server: variable?.('SUPERVISOR_SERVER_URL') };
}

/** Is this process one of these, and the uppermost? Between fork and exec nobody is: such a one is looked at again. */
export function belongs(look: Look, handle: Handle, read: Reader = createReader()): boolean {
  switch (handle.kind) {
    case 'unit': {
      const isIts = (group: Group | undefined) =>
        group?.kind === 'unit' && group.unit === handle.unit && (group.scope === 'user') === handle.user;
      return isIts(look.group) && !(look.ppid > 1 && isIts(unitOf(look.ppid)));
    }
    case 'program': {
      const found = programIn(look.pid, read);
      if (found?.name !== `${handle.group}:${handle.program}`) return false;
      if (handle.server !== undefined && found.server !== undefined && found.server !== handle.server) return false;
      // supervisord itself, before it has become the program; or what the program has started.
      return programIn(look.ppid, read)?.name !== found.name;
    }
    case 'stamp': {
      const isIts = (pid: number) => {
        const stamp = read.stamp(pid);
        if (stamp === undefined || stamp.owner !== handle.owner) return false;
        return stampId(stamp) === handle.id && !isShim(commandOf(pid));
      };
      return isIts(look.pid) && !isIts(look.ppid);
    }
    case 'process':
      if (handle.uid !== undefined && handle.uid !== look.uid) return false;
      return look.argv.length === handle.argv.length && look.argv.every((word, i) => word === handle.argv[i]);
  }
}

/** What stands between the embedded supervisor and a service bears the service's stamp as well (builtin/shim.ts). */
export function isShim(argv: readonly string[]): boolean {
  return argv[1] === '-c' && argv[3] === 'reconciled-shim';
}
