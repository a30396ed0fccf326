import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Disk, foldersOf, unitDirOf } from './disk.ts';
import { nameOf, templateOf } from './unit-name.ts';

export interface DropIn {
  readonly path: string;
  /** It is this unit's alone and lies where ours does: it may go where ours says the same. */
  readonly movable: boolean;
}

/**
 * The drop-ins of a unit as systemd takes them: by the names of their files, the first of each in all folders. `names` are
 * its own first and all others of it.
 */
export function dropInsOf(folders: readonly string[], names: readonly string[], unitDir: string): readonly DropIn[] {
  const own = join(unitDir, `${names[0]}.d`);
  const searched = [...names, 'service'].flatMap((name) =>
    folders.flatMap((folder) => [...new Set(forms(name))].map((form) => join(folder, `${form}.d`))),
  );
  const found = new Map<string, DropIn>();
  for (const folder of searched) {
    for (const name of namesIn(folder)) {
      if (!name.endsWith('.conf') || name.startsWith('.')) continue;
      const first = found.get(name);
      // It would come to light where that one went.
      if (first !== undefined) found.set(name, { ...first, movable: false });
      else found.set(name, { path: join(folder, name), movable: folder === own });
    }
  }
  return [...found].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(([, one]) => one);
}

/**
 * Those that go where ours takes the place of the unit, and says what they do: what stays counts after ours, so only the
 * ones before the first that stays.
 */
export function thatGo<T extends DropIn>(all: readonly T[]): readonly T[] {
  const first = all.findIndex(({ movable }) => !movable);
  return first === -1 ? all : all.slice(0, first);
}

/** The same of a unit on this host. */
export function dropInsThatGo(disk: Disk, unit: string, scope: 'system' | 'user'): readonly string[] {
  const folders = foldersOf(scope);
  const aliases = folders.flatMap((folder) => disk.namesIn(folder)).filter((name) => leadsTo(disk, name, unit));
  return thatGo(dropInsOf(folders, [unit, ...new Set(aliases)], unitDirOf(scope))).map(({ path }) => path);
}

function leadsTo(disk: Disk, name: string, unit: string): boolean {
  const fragment = disk.fragment(name);
  return name !== unit && fragment?.kind === 'link' && basename(fragment.target) === unit;
}

/**
 * The names that drop-ins for a unit may go by, in systemd's order: its own, its template's, and each that ends at a dash
 * of its name (unit_file_find_dirs).
 */
function forms(unit: string): readonly string[] {
  if (unit === 'service') return [unit];
  const template = templateOf(unit);
  const { prefix, instance } = nameOf(unit);
  const dash = prefix.replace(/-$/, '').lastIndexOf('-');
  const chopped = `${prefix.slice(0, dash + 1)}${instance ? `@${instance}` : ''}.service`;
  return [unit, ...(template === undefined ? [] : forms(template)), ...(dash < 1 ? [] : forms(chopped))];
}

export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
