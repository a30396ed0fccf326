import { isSupervisord } from '../graph/supervisords.ts';
import { unreachable } from '../problem.ts';
import { baseOf, isShell } from './programs.ts';
import type { Witness } from './samples.ts';

/** How a program came to run, by what was seen of it and its parents while they lived. */
export type Started =
  | { readonly kind: 'unit'; readonly unit: string }
  | { readonly kind: 'program'; readonly program: string; readonly supervisord: number }
  | { readonly kind: 'cron' }
  | { readonly kind: 'container'; readonly name: string }
  /** From a login or a shell: nothing keeps it running, and nothing starts it at boot. */
  | { readonly kind: 'hand' };

/** The process first, then its parents as far as they were seen. The nearest one counts. Pure. */
export function startedHow(chain: readonly Witness[]): Started {
  const [first] = chain;
  if (first?.group?.kind === 'container') return { kind: 'container', name: first.group.name };
  for (const [i, above] of chain.entries()) {
    const child = chain[i - 1];
    if (child === undefined) continue;
    if (child.program !== undefined && isSupervisord(above.argv))
      return { kind: 'program', program: child.program, supervisord: above.pid };
    if (isNamed(above, CRON)) return { kind: 'cron' };
  }
  const unit = first?.group?.kind === 'unit' ? first.group.unit : undefined;
  if (unit !== undefined && CRON_UNITS.test(unit)) return { kind: 'cron' };
  return unit === undefined || LOGIN_UNITS.test(unit) ? { kind: 'hand' } : { kind: 'unit', unit };
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
    case 'container':
      return `in container ${started.name}, as ${user},`;
    default:
      return unreachable(started);
  }
}

const CRON = new Set(['cron', 'crond', 'anacron', 'atd', 'fcron']);
const CRON_UNITS = /^(cron|crond|cronie|anacron|atd|fcron)\.service$/;
/** Units in which people have their shells. */
const LOGIN_UNITS =
  /^(sshd?|getty|serial-getty|console-getty|container-getty|display-manager|gdm|dropbear)(@.*)?\.service$/;
const MANAGERS = new Set([
  ...['systemd', 'init', 'sshd', 'sshd-session', 'login', 'su', 'tmux', 'screen', 'getty', 'agetty'],
  ...['tini', 'dumb-init', 's6-supervise', 'runsv', 'containerd-shim', 'containerd-shim-runc-v2', 'monit'],
]);

/** Does it only run what others asked it to: the boundary at which the search for who decides ends. */
export function isManager(one: Witness): boolean {
  if (isSupervisord(one.argv) || isNamed(one, CRON) || isNamed(one, MANAGERS)) return true;
  const [file = '', ...args] = one.argv;
  // A shell without a text or a script has a person before it.
  return isShell(baseOf(file).replace(/^-/, '')) && args.every((arg) => /^-[a-z]*$/.test(arg) && !arg.endsWith('c'));
}

/** `sshd: user@pts/0`, `/usr/sbin/CRON -f`: by the program, else by what it calls itself. */
function isNamed({ argv }: Witness, names: ReadonlySet<string>): boolean {
  return names.has(baseOf((argv[0] ?? '').split(/[:\s]/, 1)[0] ?? '').toLowerCase());
}
