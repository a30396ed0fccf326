import type { Json } from '../canonical.ts';
import { closest } from '../closest.ts';
import { type Problem, why } from '../problem.ts';
import { foldersOf } from '../supervisors/systemd/disk.ts';
import { readUnit } from '../supervisors/systemd/read-unit.ts';
import type { Found, Imported, Refused } from './found.ts';
import { carry } from './units/carry.ts';
import { readUnitFile, type UnitFile, UnitFolders } from './units/files.ts';
import { nameOf, serviceNameOf } from './units/names.ts';
import { refusal, whyNotLoaded, whyNotUnit } from './units/refuse.ts';
import { select } from './units/select.ts';
import { MANAGER_DEFAULTS, type ManagerDefaults } from './units/source.ts';
import { desiredState, UNKNOWN_STATE, type UnitState } from './units/state.ts';
import { type Asked, askSystemd } from './units/systemd.ts';
import { type Ignored, maskedValue, readUnitText, type UnitLine } from './units/text.ts';
import type { ImportUnits, UnitsOptions } from './units-options.ts';

/** What is known of a unit besides its text. */
export interface UnitContext {
  readonly manager: 'system' | 'user';
  /** Where its main file is. Default: where an administrator would put it. */
  readonly path?: string;
  readonly dropIns?: readonly UnitFile[];
  /** Its file is a package's: left alone, and managed by its state. */
  readonly byState?: boolean;
  readonly state?: UnitState;
  readonly defaults?: ManagerDefaults;
  /** The directives that its systemd knows. Absent: all. */
  readonly known?: ReadonlySet<string>;
  /** What it pulls in by links that go by its name. */
  readonly pullsIn?: readonly (readonly [directive: string, unit: string])[];
}

/** A service file of a unit's own text and its drop-ins. Pure. */
export function importUnitText(unit: string, text: Buffer | string, context: Partial<UnitContext> = {}): Found {
  const { manager = 'system', path = `/etc/systemd/system/${unit}`, dropIns = [], known } = context;
  const origin = { kind: 'unit', unit, path, manager } as const;
  const own = readUnitText(path, text);
  const no = whyNotUnit(text.toString(), own);
  if (no !== undefined) return { kind: 'refused', origin, problem: refusal(unit, path, no) };
  const texts = [own, ...dropIns.map((file) => readUnitText(file.path, file.bytes))];
  const { lines, ignored } = withKnown(
    texts.flatMap((read) => read.lines),
    known,
  );
  const broken = whyNotLoaded(lines);
  if (broken !== undefined) return { kind: 'refused', origin, problem: refusal(unit, path, broken) };
  const name = nameOf(unit);
  const { state = UNKNOWN_STATE, defaults = MANAGER_DEFAULTS, byState = false, pullsIn = [] } = context;
  const carried = carry({
    ...{ name, manager, path, defaults, pullsIn },
    lines,
    ignored: [
      ...texts.flatMap((read) => read.ignored),
      ...ignored,
      ...texts.flatMap(({ broken }) =>
        broken === undefined
          ? []
          : [{ key: 'the rest of the file', at: broken.at, why: `${broken.why}: systemd reads no further` }],
      ),
    ],
  });
  const { comment, ...wanted } = desiredState(carried.type, carried.install, state, manager);
  const files = [path, ...dropIns.map((file) => file.path)].join(', ');
  const comments = new Map(byState ? [] : carried.comments);
  comments.set('', byState ? `${unit}, by its state alone: ${files} stays as it is.` : `Imported from ${files}.`);
  if (comment !== undefined) comments.set('state', comment);
  const base = { kind: 'imported', origin, name: serviceNameOf(unit), comments } as const;
  if (byState) {
    return { ...base, service: { supervisor: 'systemd', unit, ...wanted }, secrets: {}, losses: [] };
  }
  const { description, ...words } = carried.words;
  const service = {
    ...(description === undefined ? {} : { description }),
    ...{ supervisor: 'systemd', ...wanted },
    ...words,
    ...(carried.raw.length === 0 ? {} : { raw: { systemd: carried.raw } }),
  } as unknown as Readonly<Record<string, Json>>;
  return { ...base, service, secrets: carried.secrets, losses: carried.losses };
}

/** What this systemd does not know it takes no notice of. */
function withKnown(
  all: readonly UnitLine[],
  known: ReadonlySet<string> | undefined,
): { readonly lines: readonly UnitLine[]; readonly ignored: readonly Ignored[] } {
  const isKnown = ({ section, key }: UnitLine) => !key.startsWith('X-') && (known?.has(`${section}.${key}`) ?? true);
  return {
    lines: all.filter(isKnown),
    ignored: all
      .filter((line) => !isKnown(line))
      .map(({ section, key, value, at }) => ({
        ...{ key: `[${section}] ${key}`, at },
        value: maskedValue(key, value),
        why: key.startsWith('X-')
          ? 'it is not meant for systemd, which passes over it'
          : 'the systemd of this host knows no such directive, and passes over it',
      })),
  };
}

export const importUnits: ImportUnits = async (options) => {
  const asked = await askSystemd(options.manager);
  let folders: UnitFolders;
  try {
    folders = new UnitFolders(options.folders ?? foldersOf(options.manager));
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
  const { manager, packaged = 'state' } = options;
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
      dropIns: folders.dropIns(unit).map(readUnitFile).filter(isForeign),
      byState: packaged === 'state' && isOfOthers(path),
      state: {
        active: asked.active?.has(unit),
        startedWith: folders.startedWith(unit),
      },
      defaults: asked.defaults,
      ...(asked.known === undefined ? {} : { known: asked.known }),
      pullsIn: folders.pullsIn(unit),
    });
  } catch (error) {
    const at = (error as NodeJS.ErrnoException).path ?? path;
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
  const near = closest(unit, names);
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
    let { name } = one;
    for (let i = 2; taken.has(name); i += 1) name = `${one.name.slice(0, 60)}-${i}`;
    taken.add(name);
    return name === one.name ? one : ({ ...one, name } satisfies Imported);
  });
}
