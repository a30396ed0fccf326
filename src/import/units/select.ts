import { matchesGlob } from 'node:path';
import { readUnit } from '../../supervisors/systemd/read-unit.ts';
import { nameOf } from '../../supervisors/systemd/unit-name.ts';
import { readUnitFile, type UnitFolders } from './files.ts';

/** What a host can't be without: imported only where it is asked for by name. */
const VITAL =
  /^(systemd-.*|dbus(-broker)?|user(-runtime-dir)?@.*|(serial-|console-|container-)?getty(@.*)?|autovt@.*)\.service$/;

/** Units to import, each by its own name, and what was asked for and is not there. */
export interface Selection {
  readonly units: readonly string[];
  readonly missing: readonly string[];
}

export function select(
  folders: UnitFolders,
  loaded: readonly string[],
  asked: readonly string[] | undefined,
): Selection {
  const names = folders.names();
  if (asked === undefined) return { units: names.filter((name) => isSetUp(folders, name)), missing: [] };
  const missing: string[] = [];
  const all = [...new Set([...names, ...loaded.filter((name) => folders.locate(name).kind !== 'missing')])].sort();
  const units = asked.flatMap((word) => {
    const name = /\.service$/.test(word) ? word : `${word}.service`;
    if (!/[*?[]/.test(name)) return [name];
    // A pattern is about what there is: neither templates nor other names of the same.
    const found = all.filter((unit) => matchesGlob(unit, name) && isOwnName(folders, unit));
    if (found.length === 0) missing.push(word);
    return found;
  });
  return { units: [...new Set(units.map((unit) => folders.locate(unit).unit))], missing };
}

function isOwnName(folders: UnitFolders, name: string): boolean {
  return nameOf(name).instance !== '' && folders.locate(name).unit === name;
}

/** Has somebody set it up here, by a file of their own or by enabling it? */
function isSetUp(folders: UnitFolders, name: string): boolean {
  const located = folders.locate(name);
  if (!isOwnName(folders, name) || VITAL.test(name) || located.kind === 'missing') return false;
  if (located.kind === 'masked') return false;
  if (/^(\/usr\/(?!local\/)|\/lib\/|\/run\/(user\/\d+\/)?systemd\/)/.test(located.path))
    return folders.startedWith(name).length > 0;
  try {
    return readUnit(readUnitFile(located.path).bytes.toString()).kind === 'foreign';
  } catch {
    return true;
  }
}
