import { statSync } from 'node:fs';
import { beganAt, commandOf, parseStat, readWhole, variablesOf } from '../host/procfs.ts';
import { parseStamp, STAMP, SUPERVISOR, stampId } from '../stamp.ts';
import type { Handle, Witness } from './samples.ts';

export interface Look extends Witness {
  readonly ppid: number;
  readonly pgrp: number;
}

/** A process as it is now; undefined where it is gone or dead. Two to four small reads. */
export function lookAt(pid: number): Look | undefined {
  const line = readWhole(`/proc/${pid}/stat`);
  const stat = line === undefined ? undefined : parseStat(line);
  if (line === undefined || stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  const { start, ppid, pgrp } = stat;
  const comm = line.slice(line.indexOf('(') + 1, line.lastIndexOf(')'));
  const ref = { pid, start };
  const argv = commandOf(pid);
  return { ...ref, argv, comm, uid: uidOf(pid), cgroup: groupOf(pid), began: beganAt(ref), ppid, pgrp };
}

function uidOf(pid: number): number {
  const uid = /^Uid:\t(\d+)/m.exec(readWhole(`/proc/${pid}/status`) ?? '')?.[1];
  return uid === undefined ? ownerOf(pid) : Number(uid);
}

function ownerOf(pid: number): number {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return -1;
  }
}

/** Where systemd keeps it: in the unified hierarchy, else in its own. */
export function groupOf(pid: number): string {
  const lines = (readWhole(`/proc/${pid}/cgroup`) ?? '').split('\n');
  const named = lines.find((line) => line.includes(':name=systemd:'));
  const unified = lines.find((line) => line.startsWith('0::'));
  const path = (line: string | undefined) => line?.slice(line.indexOf(':', line.indexOf(':') + 1) + 1) ?? '';
  const first = path(unified);
  return first === '' || first === '/' ? path(named) || first : first;
}

/** The `group:name` that a supervisord gives its programs; of their children too. */
export function programIn(pid: number): { readonly name: string; readonly server: string | undefined } | undefined {
  const variable = variablesOf(pid);
  const [name, group] = [variable?.('SUPERVISOR_PROCESS_NAME'), variable?.('SUPERVISOR_GROUP_NAME')];
  if (name === undefined || group === undefined) return undefined;
  return { name: `${group}:${name}`, server: variable?.('SUPERVISOR_SERVER_URL') };
}

/** Is this process one of these, and the uppermost? Between fork and exec nobody is: such a one is looked at again. */
export function belongs(look: Look, handle: Handle): boolean {
  switch (handle.kind) {
    case 'unit': {
      const of = (cgroup: string) =>
        cgroup.split('/').includes(handle.unit) && /\/user@\d+\.service\//.test(cgroup) === handle.user;
      return of(look.cgroup) && !(look.ppid > 1 && of(groupOf(look.ppid)));
    }
    case 'program': {
      const found = programIn(look.pid);
      if (found?.name !== `${handle.group}:${handle.program}`) return false;
      if (handle.server !== undefined && found.server !== undefined && found.server !== handle.server) return false;
      // supervisord itself, before it has become the program; or what the program has started.
      return programIn(look.ppid)?.name !== found.name;
    }
    case 'stamp': {
      const isIts = (pid: number) => {
        const variable = variablesOf(pid);
        const stamp = parseStamp(variable?.(STAMP) ?? '');
        if (stamp === undefined || (variable?.(SUPERVISOR) ?? '') !== '') return false;
        return stamp.owner === handle.owner && stampId(stamp) === handle.id && !isShim(pid);
      };
      return isIts(look.pid) && !isIts(look.ppid);
    }
    case 'process':
      if (handle.uid !== undefined && handle.uid !== look.uid) return false;
      return look.argv.length === handle.argv.length && look.argv.every((word, i) => word === handle.argv[i]);
  }
}

/** What stands between the embedded supervisor and a service bears the service's stamp as well. */
function isShim(pid: number): boolean {
  const argv = commandOf(pid);
  return argv[1] === '-c' && argv[3] === 'reconciled-shim';
}
