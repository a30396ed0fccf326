import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readWhole } from '../../host/procfs.ts';
import type { Scope } from '../shared/bus-address.ts';

/**
 * The main process of an active unit by its control group, which costs a tenth of asking systemd: where exactly one
 * process is in it. Undefined where there are several or the group is elsewhere (`Slice=`): then systemd is to be asked.
 */
export type MainPid = (unit: string) => number | undefined;

/** Where a manager keeps the groups of its units is read once. */
export function mainPidsOf(scope: Scope): MainPid {
  const folder = slicesOf(scope);
  if (folder === undefined) return () => undefined;
  return (unit) => {
    const pid = Number(readWhole(`${folder}/${sliceOf(unit, scope)}/${unit}/cgroup.procs`));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  };
}

/** Instances of a template share a slice of its name (systemd.slice(5)); a user's units are in app.slice. */
function sliceOf(unit: string, scope: Scope): string {
  const [, template] = /^([^@]+)@/.exec(unit) ?? [];
  const base = scope === 'system' ? 'system' : 'app';
  if (template === undefined) return `${base}.slice`;
  return `${base}.slice/${base}-${template.replaceAll('-', '\\x2d')}.slice`;
}

/** The folder of the manager's slices, whatever hierarchy it tracks processes in: the unified one, else its own. */
function slicesOf(scope: Scope): string | undefined {
  let lines: readonly string[];
  try {
    lines = readFileSync('/proc/1/cgroup', 'utf8').split('\n');
  } catch {
    return undefined;
  }
  for (const [mount, prefix] of HIERARCHIES) {
    const path = lines.find((line) => line.startsWith(prefix) || line.slice(line.indexOf(':') + 1).startsWith(prefix));
    const at = path?.slice(path.lastIndexOf(':') + 1);
    if (at === undefined || !at.endsWith('/init.scope')) continue;
    const root = join(mount, dirname(at));
    if (!existsSync(join(root, 'init.scope', 'cgroup.procs'))) continue;
    if (scope === 'system') return root;
    const uid = process.getuid?.() ?? 0;
    return join(root, 'user.slice', `user-${uid}.slice`, `user@${uid}.service`);
  }
  return undefined;
}

const HIERARCHIES = [
  ['/sys/fs/cgroup', '0::'],
  ['/sys/fs/cgroup/unified', '0::'],
  ['/sys/fs/cgroup/systemd', 'name=systemd:'],
] as const;
