import { closest } from '../closest.ts';
import { VITAL } from '../desired/rules.ts';
import { type Problem, why } from '../problem.ts';
import { foldersOf, unitDirOf } from '../supervisors/systemd/disk.ts';
import { readUnit } from '../supervisors/systemd/read-unit.ts';
import type { Found, Imported, Refused } from './found.ts';
import { freeName } from './service-names.ts';
import { importUnitText } from './unit.ts';
import { readUnitFile, type UnitFile, UnitFolders } from './units/files.ts';
import { serviceNameOf } from './units/names.ts';
import { refusal } from './units/refuse.ts';
import { select } from './units/select.ts';
import { type Asked, askSystemd } from './units/systemd.ts';
import type { ImportUnits, UnitsOptions } from './units-options.ts';

export const importUnits: ImportUnits = async (options) => {
  const asked = await askSystemd(options.manager);
  let folders: UnitFolders;
  try {
    folders = new UnitFolders(
      options.folders ?? foldersOf(options.manager),
      options.unitDir ?? unitDirOf(options.manager),
    );
  } catch (error) {
    const path = (error as NodeJS.ErrnoException).path ?? 'the folders of units';
    const problem: Problem = { code: 'unreadable', summary: `cannot read ${path}: ${why(error)}`, file: path };
    return [{ kind: 'refused', origin: { kind: 'file', path }, problem }];
  }
  const { units, missing } = select(folders, asked.loaded, options.units);
  const found = units.map((unit) => importUnit(folders, asked, unit, options));
  return [...withOneName(found), ...missing.map((name) => notThere(name, folders.names(), options.manager))];
};

function importUnit(folders: UnitFolders, asked: Asked, name: string, options: UnitsOptions): Found {
  const { manager, packaged = 'state', vital = false } = options;
  const located = folders.locate(name);
  const { unit } = located;
  if (located.kind === 'missing') return notThere(name, folders.names(), manager);
  const { path } = located;
  const origin = { kind: 'unit', unit, path, manager } as const;
  const refused = (because: string, hint: string, code = 'not-importable'): Refused => ({
    kind: 'refused',
    origin,
    problem: refusal(unit, path, { code, because, hint }),
  });
  if (located.kind === 'template')
    return refused('it is a template, of which only instances run', `name one: ${unit.replace('@', '@NAME')}`);
  const mask = () =>
    refused('it is masked: nobody can start it', `to keep it so, write \`unit: ${unit}\` with \`state: disabled\``);
  if (located.kind === 'masked') return mask();
  try {
    const file = readUnitFile(path);
    if (file.bytes.length === 0) return mask();
    return importUnitText(unit, file.bytes, {
      ...{ manager, path },
      dropIns: folders
        .dropIns(unit)
        .map((dropIn) => ({ ...dropIn, ...readUnitFile(dropIn.path) }))
        .filter(isForeign),
      dropInsOfNew: new Set(folders.dropIns(`${serviceNameOf(unit)}.service`).map((dropIn) => dropIn.path)),
      byState: (packaged === 'state' && isOfOthers(path)) || (!vital && VITAL.test(unit)),
      state: {
        active: asked.active?.has(unit),
        startedWith: folders.startedWith(unit),
      },
      defaults: asked.defaults,
      ...(asked.known === undefined ? {} : { known: asked.known }),
      pullsIn: folders.pullsIn(unit),
      namedBy: [...folders.aliases(unit), ...folders.starters(unit)],
    });
  } catch (error) {
    const { code, path: at = path } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return refused(`cannot read ${at}: ${why(error)}`, 'run as a user who may read it', 'unreadable');
  }
}

/** Ours are no part of what is there. */
function isForeign({ bytes }: UnitFile): boolean {
  return readUnit(bytes.toString()).kind === 'foreign';
}

/** Written by a package, or made anew by a generator at each boot. */
export function isOfOthers(path: string): boolean {
  return /^(\/usr\/(?!local\/)|\/lib\/|\/run\/(user\/\d+\/)?systemd\/generator)/.test(path);
}

function notThere(name: string, names: readonly string[], manager: 'system' | 'user'): Refused {
  const unit = name.endsWith('.service') ? name : `${name}.service`;
  const stems = names.map((other) => other.replace(/\.service$/, ''));
  const near = closest(unit.replace(/\.service$/, ''), stems);
  const hint = near === undefined ? '`systemctl list-unit-files` lists those there are' : `did you mean '${near}'?`;
  const pattern = /[*?[]/.test(name);
  const problem: Problem = {
    code: 'no-such-unit',
    summary: pattern ? `no unit is called like '${name}'` : `cannot import ${unit}: there is no such unit`,
    hint,
  };
  return { kind: 'refused', origin: { kind: 'unit', unit, path: unit, manager }, problem };
}

/** Two units may come to one name: the second is numbered. */
function withOneName(found: readonly Found[]): readonly Found[] {
  const taken = new Set<string>();
  return found.map((one) => {
    if (one.kind === 'refused') return one;
    const name = freeName(one.name, (other) => taken.has(other));
    taken.add(name);
    return name === one.name ? one : ({ ...one, name } satisfies Imported);
  });
}
