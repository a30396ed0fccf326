// Runs in a test host, as root: imports units of systemd's, writes what is made of them in their place, and has systemd
// itself say what is not as before. Reads { units, extra, packaged } as JSON, prints JSON.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Imported } from '../../../src/import/found.ts';
import { importUnits } from '../../../src/import/units.ts';
import { installedVersion } from '../../../src/supervisors/shared/systemd-version.ts';
import { unitPath } from '../../../src/supervisors/systemd/bus-path.ts';
import { define } from '../../../src/supervisors/systemd/define.ts';
import { differences, type Properties } from './properties.ts';
import { serviceOf } from './service.ts';

export interface Asked {
  readonly manager?: 'system' | 'user';
  /** Names and patterns; several instances of templates among them. */
  readonly units: readonly string[];
}

export interface Compared {
  readonly unit: string;
  readonly name: string;
  readonly loaded: string;
  /** What systemd says of the two that is not the same. */
  readonly differs: readonly string[];
  readonly losses: readonly string[];
  /** What `systemd-analyze verify` says of ours and not of theirs. */
  readonly complaints: readonly string[];
  readonly text: string;
  readonly words: number;
  readonly raw: number;
}

const { manager = 'system', units } = JSON.parse(readFileSync(0, 'utf8')) as Asked;
const scope = manager === 'user' ? ['--user'] : [];
const unitDir = manager === 'user' ? `${process.env.HOME}/.config/systemd/user` : '/etc/systemd/system';

const found = await importUnits({ manager, units, packaged: 'rewritten' });
const imported = found.filter((one): one is Imported => one.kind === 'imported');
const before = new Map(imported.map((one) => [one, propertiesOf(unitOf(one))]));
const saidBefore = complaints(imported.map(unitOf));
const made = imported.map((one) => {
  const definition = define(serviceOf(one), { manager, unitDir, owner: 'import', version: installedVersion() });
  return { one, files: 'files' in definition ? definition.files : undefined, problems: definition };
});
for (const { files = [] } of made)
  for (const { path, text } of files) {
    mkdirSync(dirname(path), { recursive: true });
    // What was there under that name, a link perhaps, is no more.
    rmSync(path, { force: true });
    writeFileSync(path, text);
  }
execFileSync('systemctl', [...scope, 'daemon-reload']);
const saidAfter = complaints(made.map(({ one }) => `${one.name}.service`));

const compared = made.map(({ one, files, problems }): Compared => {
  const [unit, name] = [unitOf(one), one.name];
  const old = before.get(one) ?? {};
  const own = propertiesOf(`${name}.service`);
  const refused = files === undefined ? [JSON.stringify(problems)] : [];
  const raw = (one.service.raw as { readonly systemd?: readonly unknown[] } | undefined)?.systemd ?? [];
  return {
    ...{ unit, name, loaded: String(old.LoadState) },
    differs: [
      ...refused,
      ...differences(old, own, { unit, name: `${name}.service`, secrets: Object.keys(one.secrets) }),
    ],
    losses: one.losses.map(({ key, value, why }) => `${key}=${value ?? ''}: ${why}`),
    complaints: (saidAfter.get(`${name}.service`) ?? []).filter((line) => !(saidBefore.get(unit) ?? []).includes(line)),
    text: files?.[0]?.text ?? '',
    words: Object.keys(one.service).length,
    raw: raw.length,
  };
});
const refused = found.flatMap((one) =>
  one.kind === 'refused' ? [{ unit: 'unit' in one.origin ? one.origin.unit : '', why: one.problem.summary }] : [],
);
console.log(JSON.stringify({ compared, refused }));

function unitOf({ origin }: Imported): string {
  return origin.kind === 'unit' ? origin.unit : '';
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

/** By the name of the unit that a line is about; the names taken off. */
function complaints(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const args = [...scope, 'verify', '--man=no', '--recursive-errors=no', ...names];
  const { stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  return new Map(
    names.map((name) => {
      const own = lines.filter((line) => line.includes(name));
      return [name, own.map((line) => line.replace(/^\S*:\d+: /, '').replaceAll(name, 'UNIT'))];
    }),
  );
}
