import { unreachable } from '../problem.ts';

import type { Witness } from './samples.ts';
import { baseOf, isShell } from './unwrap.ts';

/** How a process came to run, by what can be seen of it and its parents. */
export type Started =
  | { readonly kind: 'unit'; readonly unit: string }
  | { readonly kind: 'program'; readonly program: string; readonly supervisord: number }
  | { readonly kind: 'cron' }
  /** From a login or a shell: nothing keeps it running, and nothing starts it at boot. */
  | { readonly kind: 'hand' }
  | { readonly kind: 'unknown'; readonly cgroup: string };

/** The process first, then its parents as far as they were seen. Pure. */
export function startedHow(chain: readonly Witness[]): Started {
  const supervisord = chain.findIndex((one, i) => i > 0 && isNamed(one, SUPERVISORD));
  const program = chain.slice(0, Math.max(0, supervisord)).at(-1)?.program ?? chain[0]?.program;
  const above = chain[supervisord];
  if (above !== undefined && program !== undefined) return { kind: 'program', program, supervisord: above.pid };
  if (chain.slice(1).some((one) => isNamed(one, CRON))) return { kind: 'cron' };
  const cgroup = chain[0]?.cgroup ?? '';
  const unit = cgroup
    .split('/')
    .filter((part) => part.endsWith('.service'))
    .at(-1);
  if (unit !== undefined && /^(cron|crond|cronie|anacron|atd|fcron)\.service$/.test(unit)) return { kind: 'cron' };
  if (unit !== undefined && !LOGINS.test(unit)) return { kind: 'unit', unit };
  const scope = cgroup.split('/').at(-1) ?? '';
  if (unit === undefined && scope.endsWith('.scope') && !/^(session-.*|init)\.scope$/.test(scope))
    return { kind: 'unknown', cgroup };
  return { kind: 'hand' };
}

export function startedWords(started: Started, user: string): string {
  switch (started.kind) {
    case 'unit':
      return `of unit ${started.unit}, as ${user},`;
    case 'program':
      return `program ${started.program} of supervisord (pid ${started.supervisord}), as ${user},`;
    case 'cron':
      return `run by cron as ${user}`;
    case 'hand':
      return `started by hand by ${user}`;
    case 'unknown':
      return `in ${started.cgroup}, as ${user},`;
    default:
      return unreachable(started);
  }
}

/** Units in which people have their shells. */
const LOGINS =
  /^(sshd?(@.*)?|(serial-|console-)?getty(@.*)?|container-getty@.*|user@\d+|display-manager|gdm|dropbear(@.*)?)\.service$/;
const SUPERVISORD = new Set(['supervisord', 'supervisor.supervisord']);
const CRON = new Set(['cron', 'crond', 'anacron', 'atd', 'fcron', 'CRON']);
const MANAGERS = new Set([
  ...['systemd', 'init', 'sshd', 'sshd-session', 'login', 'su', 'tmux', 'screen', 'SCREEN', 'getty', 'agetty'],
  ...['tini', 'dumb-init', 's6-supervise', 'runsv', 'containerd-shim', 'containerd-shim-runc-v2', 'monit'],
]);

/** Does it only run what others asked it to: the boundary at which the search for who decides ends. */
export function isManager(one: Witness): boolean {
  if (isNamed(one, SUPERVISORD) || isNamed(one, CRON) || isNamed(one, MANAGERS)) return true;
  const [file = '', ...args] = one.argv;
  // A shell without a text or a script has a person before it.
  return isShell(baseOf(file).replace(/^-/, '')) && args.every((arg) => /^-[a-z]*$/.test(arg) && !arg.endsWith('c'));
}

/** By the name of the program, or of the script that an interpreter runs. */
function isNamed({ argv }: Witness, names: ReadonlySet<string>): boolean {
  const [file = '', ...args] = argv;
  const name = baseOf(file.replace(/: .*$/, '')).replace(/^-/, '');
  if (names.has(name)) return true;
  if (!/^(python|pypy)[0-9.]*$/.test(name)) return false;
  return names.has(baseOf(args.find((arg) => !arg.startsWith('-')) ?? ''));
}
