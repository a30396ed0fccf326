import type { Json } from '../canonical.ts';
import type { DropIn } from '../supervisors/systemd/drop-ins.ts';
import { nameOf } from '../supervisors/systemd/unit-name.ts';
import type { Found, Loss, Origin } from './found.ts';
import { carry } from './units/carry.ts';
import { partDropIns } from './units/drop-ins.ts';
import type { UnitFile } from './units/files.ts';
import { keepsName, serviceNameOf } from './units/names.ts';
import { refusal, whyNotLoaded, whyNotUnit } from './units/refuse.ts';
import { MANAGER_DEFAULTS, type ManagerDefaults } from './units/source.ts';
import { desiredState, UNKNOWN_STATE, type UnitState } from './units/state.ts';
import { type Ignored, maskedValue, readUnitText, type UnitLine } from './units/text.ts';

/** What is known of a unit besides its text. */
export interface UnitContext {
  readonly manager: 'system' | 'user';
  /** Where its main file is. Default: where an administrator would put it. */
  readonly path?: string;
  /** All that count for it, in their order. */
  readonly dropIns?: readonly (UnitFile & Pick<DropIn, 'movable'>)[];
  /** The paths of those that count for a unit of its new name, where it has to get one. */
  readonly dropInsOfNew?: ReadonlySet<string>;
  /** Its file is a package's: left alone, and managed by its state. */
  readonly byState?: boolean;
  readonly state?: UnitState;
  readonly defaults?: ManagerDefaults;
  /** The directives that its systemd knows. Absent: all. */
  readonly known?: ReadonlySet<string>;
  /** Other names of it, and what starts the unit of its name: they mean the old one where ours is called otherwise. */
  readonly namedBy?: readonly string[];
  /** What it pulls in by links that go by its name. */
  readonly pullsIn?: readonly (readonly [directive: string, unit: string])[];
}

/** A service file of a unit's own text and its drop-ins. Pure. */
export function importUnitText(unit: string, text: Buffer | string, context: Partial<UnitContext> = {}): Found {
  const { manager = 'system', path = `/etc/systemd/system/${unit}`, dropIns = [], known } = context;
  const { dropInsOfNew = new Set(), byState = false } = context;
  const name = nameOf(unit);
  const read = dropIns.map(({ bytes, ...one }) => ({ ...one, read: readUnitText(one.path, bytes) }));
  const parted = byState ? undefined : partDropIns(read, dropInsOfNew, keepsName(name));
  const { merged, kept, losses: unplaced } = parted ?? { merged: read, kept: [], losses: [] };
  const origin: Origin = {
    ...{ kind: 'unit', unit, path, manager },
    ...(byState || merged.length === 0 ? {} : { dropIns: merged.map((one) => one.path) }),
  };
  const own = readUnitText(path, text);
  const no = whyNotUnit(text.toString(), own);
  if (no !== undefined) return { kind: 'refused', origin, problem: refusal(unit, path, no) };
  const texts = [own, ...merged.map((one) => one.read)];
  const { lines, ignored } = withKnown(
    texts.flatMap((read) => read.lines),
    known,
  );
  const broken = whyNotLoaded([...lines, ...kept.flatMap((one) => one.read.lines)]);
  if (broken !== undefined) return { kind: 'refused', origin, problem: refusal(unit, path, broken) };
  const { state = UNKNOWN_STATE, defaults = MANAGER_DEFAULTS, pullsIn = [], namedBy = [] } = context;
  const carried = carry({
    ...{ name, manager, path, defaults, pullsIn },
    lines,
    ignored: [
      ...texts.flatMap((read) => read.ignored),
      ...ignored,
      ...texts.flatMap(({ broken }) =>
        broken === undefined
          ? []
          : [
              {
                key: 'the rest of the file',
                at: broken.at,
                why: `${broken.why}: systemd reads no further`,
                noEffect: true as const,
              },
            ],
      ),
    ],
  });
  const { comment, ...wanted } = desiredState(carried.type, carried.install, state, manager);
  const files = [path, ...merged.map((one) => one.path)].join(', ');
  const comments = new Map(byState ? [] : carried.comments);
  const beside = kept.length === 0 ? '' : `\nLeft beside it, and in force: ${kept.map((one) => one.path).join(', ')}.`;
  comments.set('', headOf(unit, files, byState) + beside);
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
  const losses = keepsName(name) ? [] : namedBy.map((other) => renamed(other, unit));
  return { ...base, service, secrets: carried.secrets, losses: [...carried.losses, ...unplaced, ...losses] };
}

function headOf(unit: string, files: string, byState: boolean): string {
  if (byState) return `${unit}, by its state alone: ${files} stays as it is.`;
  const own = `${serviceNameOf(unit)}.service`;
  const called = own === unit ? '' : ` Called ${own} now: what is named ${unit} elsewhere is still the old one.`;
  return `Imported from ${files}.${called}`;
}

function renamed(other: string, unit: string): Loss {
  const what = other.endsWith('.service') ? 'is another name of' : 'starts';
  return { key: other, why: `it ${what} ${unit}, and the service is called ${serviceNameOf(unit)}` };
}

/** Whatever the version: what may hold secrets is not to be carried unseen. */
function isElsewhere(section: string, key: string): boolean {
  return section !== 'Service' && /^(Environment|EnvironmentFile|Exec[A-Za-z]+)$/.test(key);
}

/** What this systemd does not know it takes no notice of. */
function withKnown(
  all: readonly UnitLine[],
  known: ReadonlySet<string> | undefined,
): { readonly lines: readonly UnitLine[]; readonly ignored: readonly Ignored[] } {
  const isKnown = ({ section, key }: UnitLine) =>
    !key.startsWith('X-') && (known?.has(`${section}.${key}`) ?? !isElsewhere(section, key));
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
        noEffect: true,
      })),
  };
}
