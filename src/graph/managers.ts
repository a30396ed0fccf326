import { basename } from 'node:path';
import { variablesOf } from '../host/procfs.ts';
import type { ServiceId } from '../model.ts';
import { parseStamp, STAMP, SUPERVISOR, stampId } from '../stamp.ts';
import { isShim } from '../supervisors/builtin/shim.ts';
import { userOf } from './accounts.ts';
import { type Group, groupOf } from './cgroups.ts';
import { readCommand } from './command.ts';
import type { Process, Processes } from './processes.ts';
import { shown } from './shown.ts';
import { configOf, isSupervisord } from './supervisords.ts';

/** Who runs a process: whoever would start it again, or has started it. Each tells by what that is known. */
export type Manager = { readonly evidence: readonly string[] } & (
  | { readonly kind: 'systemd'; readonly unit: string; readonly scope: 'system' | 'user'; readonly uid?: number }
  /** What it calls the process is undefined where its environment can't be read. */
  | {
      readonly kind: 'supervisord';
      readonly pid: number;
      readonly program: string | undefined;
      readonly group: string | undefined;
      readonly config: string | undefined;
    }
  | { readonly kind: 'builtin'; readonly owner: string; readonly service: ServiceId }
  | { readonly kind: 'cron'; readonly pid: number }
  | { readonly kind: 'container'; readonly name: string }
  /** A person at a terminal, or what has stayed of one. */
  | { readonly kind: 'session'; readonly session: string | undefined }
  /** A program that is none of those. */
  | { readonly kind: 'process'; readonly pid: number; readonly command: readonly string[] }
  /** Whoever started it is gone. */
  | { readonly kind: 'unknown' }
);

/** `unit web.service`, `program dolphin:web of supervisord 4711 (/etc/supervisord.conf)`. */
export function nameOfManager(manager: Manager): string {
  switch (manager.kind) {
    case 'systemd':
      return `unit ${manager.unit}${manager.uid === undefined ? '' : ` of user ${userOf(manager.uid) ?? manager.uid}`}`;
    case 'supervisord': {
      const { program, group, pid, config } = manager;
      const name =
        program === undefined ? 'a program' : `program ${group === program ? program : `${group}:${program}`}`;
      return `${name} of supervisord ${pid}${config === undefined ? '' : ` (${config})`}`;
    }
    case 'builtin':
      return manager.service === ''
        ? 'the embedded supervisor'
        : `service ${manager.service} of owner ${manager.owner}`;
    case 'cron':
      return `cron ${manager.pid}`;
    case 'container':
      return `container ${manager.name}`;
    case 'session':
      return manager.session === undefined ? 'a login' : `login session ${manager.session}`;
    case 'process':
      return `process ${manager.pid} \`${shown(manager.command)}\``;
    case 'unknown':
      return 'nobody that is known';
  }
}

const CRONS = new Set(['cron', 'crond', 'anacron', 'atd', 'fcron']);
const LOGINS = new Set(['sshd', 'sshd-session', 'login', 'tmux', 'screen', 'dropbear', 'agetty']);

/** The nearest one counts: what supervisord runs is in the control group of supervisord's own unit too. */
export function managerOf(process: Process, processes: Processes): Manager {
  const ancestors = processes.ancestorsOf(process.pid);
  const line = [process, ...ancestors];
  const group = groupOf(process.cgroups ?? [], processes.get(1)?.cgroups ?? []);
  if (group?.kind === 'container') return { ...group, evidence: ['it is in the control group of that container'] };

  for (const [i, above] of ancestors.entries()) {
    const child = line[i];
    if (child === undefined) break;
    if (isShim(above.argv))
      return builtin(child, `its parent ${above.pid} is the one that the embedded supervisor puts before it`);
    if (isSupervisord(above.argv)) return supervisord(above, child, process);
    const name = nameOf(above);
    if (CRONS.has(name)) {
      return { kind: 'cron', pid: above.pid, evidence: [`${above.pid} \`${shown(above.argv)}\` is above it`] };
    }
    if (LOGINS.has(name)) return session(group, `${above.pid} \`${shown(above.argv)}\` is above it`);
  }
  return unattended(process, ancestors, group);
}

function unattended(process: Process, ancestors: readonly Process[], group: Group | undefined): Manager {
  const mark = markOf(process);
  const parent = ancestors[0];
  const orphan = parent === undefined || parent.pid === 1 || isInit(parent);
  if (mark !== undefined && orphan && (group?.kind !== 'unit' || isOwnScope(group.unit)))
    return { kind: 'builtin', ...mark, evidence: ['it bears the mark of that service, and its shim is gone'] };
  if (process.pid === 1) return { kind: 'unknown', evidence: ['it is the first process of all'] };
  const left = orphan ? ['whoever started it is gone: its parent is the first process of all'] : [];
  if (group?.kind === 'session') return session(group, ...left);
  if (group?.kind === 'unit')
    return { ...group, kind: 'systemd', evidence: ['it is in the control group of that unit'] };
  if (orphan) return { kind: 'unknown', evidence: left };
  const { pid, argv } = parent;
  return { kind: 'process', pid, command: argv, evidence: ['that is its parent'] };
}

/** The embedded supervisor gives each service one. */
function isOwnScope(unit: string): boolean {
  return /^reconciled-.*\.scope$/.test(unit);
}

function builtin(child: Process, why: string): Manager {
  const mark = markOf(child) ?? { owner: '', service: '' };
  return { kind: 'builtin', ...mark, evidence: [why] };
}

/** Of the embedded supervisor, which alone leaves out who it is. */
function markOf({ pid }: Process): { readonly owner: string; readonly service: ServiceId } | undefined {
  const variable = variablesOf(pid);
  if (variable === undefined || variable(SUPERVISOR) !== undefined) return undefined;
  const stamp = parseStamp(variable(STAMP) ?? '');
  return stamp === undefined ? undefined : { owner: stamp.owner, service: stampId(stamp) };
}

function supervisord(above: Process, child: Process, process: Process): Manager {
  const variable = variablesOf(child.pid);
  const config = configOf(above);
  const far = child.pid === process.pid ? 'its parent' : `above it, and the parent of ${child.pid}`;
  return {
    kind: 'supervisord',
    pid: above.pid,
    program: variable?.('SUPERVISOR_PROCESS_NAME'),
    group: variable?.('SUPERVISOR_GROUP_NAME'),
    config,
    evidence: [`the supervisord ${above.pid} is ${far}`],
  };
}

function session(group: Group | undefined, ...evidence: readonly string[]): Manager {
  const session = group?.kind === 'session' ? group.session : undefined;
  const in_ = session === undefined ? [] : [`it is in the control group of session ${session}`];
  return { kind: 'session', session, evidence: [...in_, ...evidence] };
}

/** `sshd: user@pts/0`, `-bash`, `/usr/sbin/CRON -f`: by the program, else by what it calls itself. */
function nameOf({ argv }: Process): string {
  const command = readCommand(argv);
  const path = command !== undefined && 'path' in command ? command.path : '';
  return basename(path.split(/[:\s]/, 1)[0] ?? '').toLowerCase();
}

/** A user's own systemd and the like, which take over what has lost its parent. */
function isInit({ argv }: Process): boolean {
  return basename(argv[0] ?? '') === 'systemd';
}
