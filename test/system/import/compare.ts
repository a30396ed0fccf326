// Runs in a test host, as root: imports units of systemd's, writes what is made of them in their place, and has systemd
// itself say what is not as before. Reads { units, extra, packaged } as JSON, prints JSON.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Imported } from '../../../src/import/found.ts';
import { UnitFolders } from '../../../src/import/units/files.ts';
import { importUnits } from '../../../src/import/units.ts';
import { installedVersion } from '../../../src/supervisors/shared/systemd-version.ts';
import { unitPath } from '../../../src/supervisors/systemd/bus-path.ts';
import { define } from '../../../src/supervisors/systemd/define.ts';
import { foldersOf, unitDirOf } from '../../../src/supervisors/systemd/disk.ts';
import { differences, type Properties } from './properties.ts';
import { serviceOf } from './service.ts';

export interface Asked {
  readonly manager?: 'system' | 'user';
  /** Names and patterns; several instances of templates among them. */
  readonly units: readonly string[];
}

export interface Compared {
  readonly unit: string;
  readonly loaded: string;
  /** What systemd says of the two that is not the same. */
  readonly differs: readonly string[];
  readonly losses: readonly string[];
  /** What `systemd-analyze verify` says of ours and not of theirs. */
  readonly complaints: readonly string[];
  readonly text: string;
}

const { manager = 'system', units } = JSON.parse(readFileSync(0, 'utf8')) as Asked;
const scope = manager === 'user' ? ['--user'] : [];
const unitDir = unitDirOf(manager);

const folders = new UnitFolders(foldersOf(manager), unitDirOf(manager));
const found = await importUnits({ manager, units, packaged: 'rewritten', vital: true });
const imported = found.filter((one): one is Imported => one.kind === 'imported');
const before = new Map(imported.map((one) => [one, propertiesOf(unitOf(one))]));
const dropIns = new Map(imported.map((one) => [one, folders.dropIns(unitOf(one)).map(({ path }) => path)]));
const saidBefore = complaints(imported.map(unitOf));
const made = imported.map((one) => {
  const definition = define(serviceOf(one), { manager, unitDir, owner: 'import', version: installedVersion() });
  return { one, files: 'files' in definition ? definition.files : undefined, problems: definition };
});
for (const { one, files = [] } of made)
  for (const { text } of files) {
    // One that can't keep its name is put there all the same: what others say of that name is said of both.
    const path = `${unitDir}/${unitOf(one)}`;
    mkdirSync(dirname(path), { recursive: true });
    // What was there under that name, a link perhaps, is no more; nor are drop-ins that it says, too.
    rmSync(path, { force: true });
    for (const dropIn of dropInsOf(one)) rmSync(dropIn, { force: true });
    writeFileSync(path, text);
  }
execFileSync('systemctl', [...scope, 'daemon-reload']);
const saidAfter = complaints(made.map(({ one }) => unitOf(one)));

const compared = made.map(({ one, files, problems }): Compared => {
  const unit = unitOf(one);
  const old = before.get(one) ?? {};
  const own = propertiesOf(unitOf(one));
  const read = JSON.stringify([dropIns.get(one), old.DropInPaths]);
  const order = JSON.stringify(dropIns.get(one)) === JSON.stringify(old.DropInPaths) ? [] : [`DropInPaths: ${read}`];
  const refused = files === undefined ? [JSON.stringify(problems)] : [];
  return {
    ...{ unit, loaded: String(old.LoadState) },
    differs: [...refused, ...order, ...differences(old, own, Object.keys(one.secrets))],
    losses: one.losses.map(({ key, value, why }) => `${key}=${value ?? ''}: ${why}`),
    complaints: (saidAfter.get(unitOf(one)) ?? []).filter((line) => !(saidBefore.get(unit) ?? []).includes(line)),
    text: files?.[0]?.text ?? '',
  };
});
const refused = found.flatMap((one) =>
  one.kind === 'refused' ? [{ unit: 'unit' in one.origin ? one.origin.unit : '', why: one.problem.summary }] : [],
);
console.log(JSON.stringify({ compared, refused }));

function unitOf({ origin }: Imported): string {
  return origin.kind === 'unit' ? origin.unit : '';
}

/** What a service file says, too, and would else be said twice. */
function dropInsOf({ origin }: Imported): readonly string[] {
  return (origin.kind === 'unit' && origin.dropIns) || [];
}

/** All that systemd says of a unit. */
function propertiesOf(unit: string): Properties {
  const call = [
    'call',
    'org.freedesktop.systemd1',
    unitPath(unit),
    'org.freedesktop.DBus.Properties',
    'GetAll',
    's',
    '',
  ];
  const text = execFileSync('busctl', [...scope, '--json=short', ...call], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const [values] = (
    JSON.parse(text) as { readonly data: readonly Readonly<Record<string, { readonly data: unknown }>>[] }
  ).data;
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, { data }]) => [key, data]));
}

/** By the name of the unit, or of its template, that a line is about; the names taken off. */
function complaints(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const args = [...scope, 'verify', '--man=no', '--recursive-errors=no', ...names];
  const { stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  return new Map(
    names.map((name) => {
      const template = name.replace(/@.*/, '@.service');
      const own = lines.filter((line) => line.includes(name) || line.includes(template));
      return [name, own.map((line) => line.replace(/^\S*:\d+: /, '').replaceAll(name, 'UNIT'))];
    }),
  );
}
