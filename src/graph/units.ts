import { readFileSync } from 'node:fs';
import { why } from '../problem.ts';
import { type Disk, foldersOf, readDisk } from '../supervisors/systemd/disk.ts';
import { readUnit } from '../supervisors/systemd/read-unit.ts';
import type { Claim, Claims, Line } from './claim.ts';
import { commandLinesOf, type Directive, directivesIn, valuesOf, withSpecifiers, wordsOf } from './unit-text.ts';

/** Which option names the unit that these start; else it is the service of their name. */
const STARTERS: Readonly<Record<string, readonly [section: string, key: RegExp]>> = {
  timer: ['Timer', /^Unit$/],
  socket: ['Socket', /^Service$/],
  path: ['Path', /^Unit$/],
};

/**
 * What systemd starts at boot or by a schedule: units that a link outside of packages' folders enables, as their files say.
 * Those of this owner are left out: they are what the desired state makes of them. Nobody is asked but the disk.
 */
export function claimsOfUnits(owner: string | undefined, folders: readonly string[] = foldersOf('system')): Claims {
  const claims: Claim[] = [];
  const unreadable: string[] = [];
  let disk: Disk;
  try {
    disk = readDisk(folders);
  } catch (error) {
    return { claims, unreadable: [`the folders of units: ${why(error)}`] };
  }
  const read = (unit: string): readonly Directive[] => {
    try {
      return directivesOf(disk, unit, owner);
    } catch (error) {
      unreadable.push(`${unit}: ${why(error)}`);
      return [];
    }
  };
  for (const unit of disk.linked()) {
    const kind = /\.([a-z]+)$/.exec(unit)?.[1] ?? '';
    if (kind === 'service') {
      const runs = linesOf(read(unit), unit);
      if (runs.length > 0) claims.push({ what: 'unit', thing: { kind: 'unit', unit }, runs });
      continue;
    }
    const starter = STARTERS[kind];
    if (starter === undefined) continue;
    const own = read(unit);
    const named = valuesOf(own, ...starter).at(-1);
    const service = named === undefined ? unit.replace(/\.[a-z]+$/, '.service') : withSpecifiers(named.value, unit);
    const runs = linesOf(read(service), service);
    const [first] = own;
    if (kind === 'timer' && first !== undefined) {
      const starts = { unit: service, where: `${first.path}:${(named ?? first).line}` };
      claims.push({ what: 'timer', thing: { kind: 'timer', timer: unit }, runs, starts });
    } else if (runs.length > 0) claims.push({ what: 'unit', thing: { kind: 'unit', unit }, runs });
  }
  return { claims, unreadable };
}

/** None where it is ours, masked or not there. */
function directivesOf(disk: Disk, unit: string, owner: string | undefined): readonly Directive[] {
  const fragment = disk.fragment(unit);
  if (fragment === undefined || fragment.kind === 'masked') return [];
  const text = textOf(fragment.path);
  if (text === undefined) return [];
  const reading = readUnit(text);
  if (reading.kind === 'unreadable') return [];
  if (reading.kind === 'ours' && (owner === undefined || reading.stamp.owner === owner)) return [];
  const files = [
    [fragment.path, text] as const,
    ...disk.dropIns(unit).map((path) => [path, textOf(path) ?? ''] as const),
  ];
  return files.flatMap(([path, content]) => directivesIn(path, content));
}

/** A link may lead to a folder or into nothing: no unit then. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}

function linesOf(directives: readonly Directive[], unit: string): readonly Line[] {
  const last = (key: RegExp) => valuesOf(directives, 'Service', key).at(-1)?.value;
  const environment = new Map(
    valuesOf(directives, 'Service', /^Environment$/).flatMap(({ value }) =>
      wordsOf(withSpecifiers(value, unit)).flatMap((word): [string, string][] => {
        const equals = word.indexOf('=');
        return equals === -1 ? [] : [[word.slice(0, equals), word.slice(equals + 1)]];
      }),
    ),
  );
  const directory = last(/^WorkingDirectory$/);
  const user = withSpecifiers(last(/^User$/) ?? 'root', unit);
  const cwd = directory === undefined ? '/' : withSpecifiers(directory.replace(/^-/, ''), unit);
  return valuesOf(directives, 'Service', /^Exec(Start|StartPre|StartPost|Stop|StopPost|Condition)$/).flatMap(
    ({ key, value, path, line }) =>
      commandLinesOf(value, unit, environment).map((argv) => ({
        argv,
        cwd: cwd.startsWith('/') ? cwd : undefined,
        user,
        where: `${path}:${line}`,
        main: key === 'ExecStart',
      })),
  );
}
