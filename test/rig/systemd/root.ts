import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATH } from './needs.ts';

export const HOSTNAME = 'testhost';

/** Units of the distribution that a host needs to be one. Everything else that is installed here stays installed, and off. */
const WANTED: ReadonlySet<string> = new Set([
  'dbus.service',
  'dbus.socket',
  'systemd-journald.service',
  'systemd-journald.socket',
  'systemd-journald-dev-log.socket',
  'systemd-logind.service',
  'systemd-tmpfiles-setup.service',
  'systemd-user-sessions.service',
]);

/** Folders of units that come with packages, below the root. */
const VENDOR = ['usr/lib/systemd', 'lib/systemd', 'usr/local/lib/systemd'];

/** What an administrator, or this very tool, has set up here: the host starts without. */
const CLEARED = [
  'etc/systemd',
  'var/lib/systemd/linger',
  'var/lib/dbus/machine-id',
  'var/lib/reconciled',
  'var/log/reconciled',
  'root/desired-state',
  ...VENDOR.flatMap((folder) => [`${folder}/system-generators`, `${folder}/user-generators`]),
];

/** Where everything of a host of this name lies, but for its control groups. */
export function folderOf(name: string): string {
  return join('/run', name);
}

/**
 * Makes a host's root: this machine's own, seen through an overlay whose changes go to memory. Without a machine-id of
 * its own, systemd would take this for a first boot and enable every installed unit by preset.
 */
export function createRoot(name: string): { readonly root: string; readonly log: string } {
  const folder = folderOf(name);
  const [upper, work, root] = [join(folder, 'upper'), join(folder, 'work'), join(folder, 'root')];
  mkdirSync(folder, { mode: 0o700 });
  mount('-t', 'tmpfs', '-o', 'mode=0700', 'tmpfs', folder);
  for (const path of [upper, work, root]) mkdirSync(path);
  mount('-t', 'overlay', '-o', `lowerdir=/,upperdir=${upper},workdir=${work}`, 'overlay', root);

  for (const path of CLEARED) rmSync(locate(root, path), { recursive: true, force: true });
  for (const manager of ['system', 'user']) {
    for (const vendor of VENDOR) clearWants(locate(root, `${vendor}/${manager}`));
    mkdirSync(locate(root, `etc/systemd/${manager}`), { recursive: true });
  }
  for (const [path, text] of Object.entries(identity())) writeFileSync(locate(root, path), text);
  return { root, log: join(folder, 'console.log') };
}

function identity(): Readonly<Record<string, string>> {
  return {
    'etc/machine-id': `${randomUUID().replaceAll('-', '')}\n`,
    'etc/hostname': `${HOSTNAME}\n`,
    'etc/hosts': `127.0.0.1 localhost ${HOSTNAME}\n`,
    'etc/systemd/journald.conf': '[Journal]\nStorage=volatile\n',
  };
}

/** Leaves nothing. Removes no file by its path: all of them were in memory, and go with the mounts. */
export function removeRoot(name: string): void {
  const folder = folderOf(name);
  for (const path of [join(folder, 'root'), folder]) {
    if (isMounted(path)) spawnSync('umount', ['--lazy', path], { env: { PATH } });
    if (isMounted(path)) throw new Error(`cannot unmount ${path}`);
  }
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * Where a path of a host lies for us: its symbolic links are followed as the host would, so that nothing outside of its
 * root is ever reached.
 */
export function locate(root: string, path: string): string {
  const left = path.split('/');
  let at: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const part = left.shift() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at.pop();
      continue;
    }
    const target = linkTarget(join(root, ...at, part));
    if (target === undefined) {
      at.push(part);
      continue;
    }
    links += 1;
    if (links > 40) throw new Error(`too many symbolic links in ${path}`);
    if (target.startsWith('/')) at = [];
    left.unshift(...target.split('/'));
  }
  return join(root, ...at);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function clearWants(folder: string): void {
  for (const wants of list(folder).filter((name) => /\.(wants|requires|upholds)$/.test(name))) {
    for (const unit of list(join(folder, wants))) if (!WANTED.has(unit)) rmSync(join(folder, wants, unit));
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function mount(...args: string[]): void {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8', env: { PATH } });
  if (status !== 0) throw new Error(`cannot mount ${args.join(' ')}: ${error?.message ?? stderr}`);
}

function isMounted(path: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === path);
}
