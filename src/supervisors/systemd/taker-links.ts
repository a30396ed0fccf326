import { type Dirent, mkdirSync, readdirSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';

/** A link that has a unit started with another one, or known by another name. */
export interface UnitLink {
  readonly path: string;
  readonly target: string;
  /** A target wants it, as when it is enabled. Else it is a name of it: `Alias=`. */
  readonly starts: boolean;
  /** Somebody on this host made it. Those of packages and generators would come back by themselves. */
  readonly made: boolean;
}

/** All links to a unit in the folders of systemd.unit(5). `list` is kept by the caller for as long as one look lasts. */
export function unitLinks(folders: readonly string[], unit: string, list: FolderList): readonly UnitLink[] {
  return folders.flatMap((folder) => {
    const made = !folder.startsWith('/usr/') && !/\/generator(\.early|\.late)?$/.test(folder);
    return list(folder).flatMap((entry): UnitLink[] => {
      const { name } = entry;
      const starts = /\.(wants|requires|upholds)$/.test(name);
      if (!starts && !(entry.isSymbolicLink() && name !== unit && extname(name) === extname(unit))) return [];
      const path = starts ? `${folder}/${name}/${unit}` : `${folder}/${name}`;
      const target = targetOf(path);
      if (target === undefined || (!starts && basename(target) !== unit)) return [];
      return [{ path, target, starts, made }];
    });
  });
}

export type FolderList = (folder: string) => readonly Dirent[];

/** Reads each folder once. */
export function listOnce(): FolderList {
  const known = new Map<string, readonly Dirent[]>();
  return (folder) => {
    const there = known.get(folder);
    if (there !== undefined) return there;
    const entries = entriesOf(folder);
    known.set(folder, entries);
    return entries;
  };
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined where there is none, or something else than a link. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EINVAL' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Takes them away; true where one was there. */
export function unlink(paths: readonly string[]): boolean {
  const there = paths.filter((path) => targetOf(path) !== undefined);
  for (const path of there) unlinkSync(path);
  return there.length > 0;
}

/** Puts them back as they were, but where something else is in their place; true where one was missing. */
export function relink(links: Readonly<Record<string, string>>): boolean {
  let changed = false;
  for (const [path, target] of Object.entries(links)) {
    if (targetOf(path) !== undefined) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    symlinkSync(target, path);
    changed = true;
  }
  return changed;
}
