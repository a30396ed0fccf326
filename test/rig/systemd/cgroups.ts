import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** One hierarchy of control groups: cgroup v2 has a single one, v1 one a controller, hybrid both kinds. */
interface Hierarchy {
  /** As in /proc/PID/cgroup: `memory`, `cpu,cpuacct`, `name=systemd`, and nothing for v2. */
  readonly key: string;
  readonly mount: string;
  /** The group that is mounted there, `/` unless this machine is a container itself. */
  readonly root: string;
}

function hierarchies(): Hierarchy[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , root = '', mount = ''] = before.split(' ');
      const [type, , options = ''] = after.split(' ');
      return type === 'cgroup' || type === 'cgroup2' ? [{ type, root, mount, options: options.split(',') }] : [];
    });
  return groupsOf('self').flatMap(({ key }) => {
    const found = mounts.find(({ type, options }) =>
      key === '' ? type === 'cgroup2' : type === 'cgroup' && key.split(',').every((part) => options.includes(part)),
    );
    return found === undefined ? [] : [{ key, mount: found.mount, root: found.root }];
  });
}

function groupsOf(pid: number | 'self'): { readonly key: string; readonly path: string }[] {
  const text = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim();
  return text.split('\n').map((line) => {
    const [, key = '', ...path] = line.split(':');
    return { key, path: path.join(':') };
  });
}

/** Names of the groups right below the root of any hierarchy. */
export function topGroups(): string[] {
  return hierarchies().flatMap(({ mount }) => folders(mount));
}

/** Makes a group of this name at the top of every hierarchy: all that runs in one host, and nothing else, belongs to it. */
export function createGroups(name: string): string[] {
  return hierarchies().map(({ mount }) => {
    if (files(mount).includes('cgroup.subtree_control')) delegate(mount);
    return createGroup(mount, name);
  });
}

/**
 * Groups for commands that are run in a host: part of the host but of none of its units. Where systemd keeps its units, that is
 * one beside them, as the next daemon-reexec would move what is in the host's own group into PID 1's. The v1
 * controllers have no such group, and there systemd removes those that it doesn't know.
 */
export function createCommandGroups(leader: number): string[] {
  const mounted = hierarchies();
  return groupsOf(leader).flatMap(({ key, path }) => {
    const hierarchy = mounted.find((candidate) => candidate.key === key);
    if (hierarchy === undefined) return [];
    const below = path.slice(hierarchy.root === '/' ? 0 : hierarchy.root.length);
    const host = join(hierarchy.mount, below.replace(/\/init\.scope$/, ''));
    return [key === '' || key === 'name=systemd' ? createGroup(host, 'commands') : host];
  });
}

/** Ends whatever runs in the groups of this name and removes them. */
export async function removeGroups(name: string): Promise<void> {
  const end = Date.now() + 10_000;
  for (;;) {
    const left = hierarchies().filter(({ mount }) => !removeTree(join(mount, name)));
    if (left.length === 0) return;
    if (Date.now() > end) throw new Error(`cannot remove the control group ${name}: it is still in use`);
    await sleep(10);
  }
}

/** The command line that puts itself into these groups and then becomes the command. */
export function inGroups(groups: readonly string[], command: readonly string[]): readonly [string, ...string[]] {
  const script =
    'until [ "$1" = -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; unset PWD OLDPWD; exec "$@"';
  return ['sh', '-c', script, 'sh', ...groups, '--', ...command];
}

function createGroup(parent: string, name: string): string {
  const group = join(parent, name);
  mkdirSync(group, { recursive: true });
  // A new v1 cpuset is empty, and takes no process until it has what its parent has.
  for (const file of files(group).filter((f) => f === 'cpuset.cpus' || f === 'cpuset.mems')) {
    if (files(parent).includes(file)) attempt(() => writeFileSync(join(group, file), readFileSync(join(parent, file))));
  }
  return group;
}

/** In v2, a group has the controllers that its parent hands down. Those that can't be are left out, as on a machine without them. */
function delegate(mount: string): void {
  for (const controller of readFileSync(join(mount, 'cgroup.controllers'), 'utf8').trim().split(' ')) {
    if (controller !== '') attempt(() => writeFileSync(join(mount, 'cgroup.subtree_control'), `+${controller}`));
  }
}

/** False while a process that was just killed is not gone. */
function removeTree(group: string): boolean {
  for (const name of folders(group)) removeTree(join(group, name));
  attempt(() => {
    for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8').trim().split('\n').map(Number)) {
      if (pid > 1) process.kill(pid, 'SIGKILL');
    }
  });
  attempt(() => rmdirSync(group));
  return files(group).length === 0;
}

function folders(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

function files(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // It went by itself, or this kernel doesn't have it.
  }
}
