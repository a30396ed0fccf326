import { type Dirent, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Scope } from '../shared/bus-address.ts';

/** Where units, their drop-ins and the links that start them at boot are, read once from the folders of systemd.unit(5). */
export interface Disk {
  /** The file that systemd takes for a unit, by its name: the first in its order of folders. */
  fragment(unit: string): Fragment | undefined;
  /** The file of a unit in a folder that comes after the one of this path, which hides it; masks are none. */
  behind(unit: string, path: string): string | undefined;
  /** Names of all services with a unit file in one folder. */
  namesIn(folder: string): readonly string[];
  /** Whole paths of all `*.conf` for a unit; those of a template count for its instances. */
  dropIns(unit: string): readonly string[];
  /** Units with a folder of drop-ins in one folder. */
  dropInFolders(folder: string): readonly string[];
  /** Links to a unit in `*.wants`, `*.requires` and `*.upholds` folders, but those of packages, which are not ours to change. */
  links(unit: string): readonly string[];
  /** Names with such links. */
  linked(): Iterable<string>;
}

export type Fragment =
  /** An empty one masks too, as a link to /dev/null does. */
  | { readonly kind: 'file'; readonly path: string }
  /** To another name of it, or to a file elsewhere. */
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'masked'; readonly path: string };

/** Where the files of our units are. */
export function unitDirOf(scope: Scope): string {
  return scope === 'system' ? '/etc/systemd/system' : join(configHome(), 'systemd/user');
}

/** Where drop-ins of ours are that the next boot does away with. */
export function runtimeDirOf(scope: Scope): string {
  return scope === 'system' ? '/run/systemd/system' : join(runtimeHome(), 'user');
}

/** In systemd's order: what comes first wins (systemd.unit(5), "Unit File Load Path"). */
export function foldersOf(scope: Scope): readonly string[] {
  if (scope === 'system') {
    return [
      '/etc/systemd/system.control',
      '/run/systemd/system.control',
      '/run/systemd/transient',
      '/run/systemd/generator.early',
      '/etc/systemd/system',
      '/run/systemd/system',
      '/run/systemd/generator',
      '/usr/local/lib/systemd/system',
      '/usr/lib/systemd/system',
      '/run/systemd/generator.late',
    ];
  }
  const run = runtimeHome();
  const data = process.env.XDG_DATA_HOME ?? join(homedir(), '.local/share');
  return [
    join(configHome(), 'systemd/user.control'),
    join(run, 'user.control'),
    join(run, 'transient'),
    join(run, 'generator.early'),
    unitDirOf('user'),
    '/etc/xdg/systemd/user',
    '/etc/systemd/user',
    runtimeDirOf('user'),
    '/run/systemd/user',
    join(run, 'generator'),
    join(data, 'systemd/user'),
    '/usr/local/share/systemd/user',
    '/usr/share/systemd/user',
    '/usr/local/lib/systemd/user',
    '/usr/lib/systemd/user',
    join(run, 'generator.late'),
  ];
}

/** sudo and cron leave XDG_RUNTIME_DIR out. */
function runtimeHome(): string {
  return join(process.env.XDG_RUNTIME_DIR || `/run/user/${process.getuid?.()}`, 'systemd');
}

function configHome(): string {
  return process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config');
}

/** Reads all folders now. Throws where one that is there can't be read: nothing may be taken for absent then. */
export function readDisk(folders: readonly string[]): Disk {
  const byFolder = new Map(folders.map((folder) => [folder, entriesOf(folder)]));
  const fragments = new Map<string, { readonly folder: string; readonly entry: Dirent }>();
  const dropInFolders = new Map<string, string[]>();
  const links = new Map<string, string[]>();
  for (const [folder, entries] of byFolder) {
    for (const entry of entries) {
      const { name } = entry;
      const path = `${folder}/${name}`;
      if (/\.(wants|requires|upholds)$/.test(name)) {
        if (folder.startsWith('/usr/')) continue;
        for (const { name: unit } of entriesOf(path)) add(links, unit, `${path}/${unit}`);
      } else if (name.endsWith('.d')) add(dropInFolders, name.slice(0, -2), path);
      else if (!fragments.has(name)) fragments.set(name, { folder, entry });
    }
  }
  const confs = new Map<string, readonly string[]>();
  const confsOf = (unit: string): readonly string[] => {
    const known = confs.get(unit);
    if (known !== undefined) return known;
    const found = (dropInFolders.get(unit) ?? []).flatMap((folder) =>
      entriesOf(folder).flatMap(({ name }) => (name.endsWith('.conf') ? [join(folder, name)] : [])),
    );
    confs.set(unit, found);
    return found;
  };
  const template = (unit: string): string => unit.replace(/@.*(?=\.[a-z]+$)/, '@');
  return {
    fragment(unit) {
      const found = fragments.get(unit) ?? fragments.get(template(unit));
      return found && fragmentOf(`${found.folder}/${found.entry.name}`, found.entry);
    },
    behind(unit, path) {
      const later = folders.slice(folders.indexOf(dirname(path)) + 1);
      const paths = later.flatMap((folder) => [unit, template(unit)].map((name) => join(folder, name)));
      return paths.find((file) => Number(statSync(file, { throwIfNoEntry: false })?.size) > 0);
    },
    namesIn: (folder) =>
      (byFolder.get(folder) ?? []).map(({ name }) => name).filter((name) => name.endsWith('.service')),
    dropIns: (unit) => [...new Set([unit, template(unit)])].flatMap(confsOf),
    dropInFolders: (folder) =>
      (byFolder.get(folder) ?? []).flatMap(({ name }) => (name.endsWith('.service.d') ? [name.slice(0, -2)] : [])),
    links: (unit) => links.get(unit) ?? [],
    linked: () => links.keys(),
  };
}

function fragmentOf(path: string, entry: Dirent): Fragment {
  if (!entry.isSymbolicLink()) return { kind: 'file', path };
  const target = readlinkSync(path);
  return target === '/dev/null' ? { kind: 'masked', path } : { kind: 'link', path, target };
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A link into nothing may have a name like a folder's.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function add(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** When a file was last written or put there (ms since the epoch): the time it bears may be that of a copy. */
export function writtenAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0;
}

/** The text of a file; undefined where it is gone. Throws what reading says. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
