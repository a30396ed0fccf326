import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { MANAGER_DEFAULTS, type ManagerDefaults } from './source.ts';
import { spanOf } from './values.ts';

/** What only the running systemd knows. */
export interface Asked {
  /** Services that run, by name; undefined where no systemd answers. */
  readonly active: ReadonlySet<string> | undefined;
  /** What is loaded, whether it runs or not. */
  readonly loaded: readonly string[];
  readonly defaults: ManagerDefaults;
  /** The directives that it knows (`Service.Type`); undefined where it can't be asked. */
  readonly known: ReadonlySet<string> | undefined;
}

export async function askSystemd(manager: 'system' | 'user'): Promise<Asked> {
  const scope = manager === 'user' ? ['--user'] : [];
  const [units, settings, items] = await Promise.all([
    said('systemctl', [...scope, 'list-units', '--all', '--full', '--plain', '--no-legend', '--type=service']),
    said('systemctl', [...scope, 'show', `--property=${Object.values(PROPERTIES).join(',')}`]),
    said(['/usr/lib/systemd/systemd', '/lib/systemd/systemd'].find(existsSync) ?? 'systemd', [
      '--dump-configuration-items',
    ]),
  ]);
  const rows = units?.split('\n').flatMap((line) => {
    const [unit = '', , active = ''] = line.trim().split(/\s+/);
    return unit === '' ? [] : [{ unit, active }];
  });
  return {
    active: rows && new Set(rows.flatMap(({ unit, active }) => (RUNS.has(active) ? [unit] : []))),
    loaded: rows?.map(({ unit }) => unit) ?? [],
    defaults: defaultsIn(settings ?? ''),
    known: items === undefined ? undefined : directivesIn(items),
  };
}

const RUNS: ReadonlySet<string> = new Set(['active', 'activating', 'reloading', 'refreshing']);

const PROPERTIES = {
  stopTimeout: 'DefaultTimeoutStopUSec',
  restartDelay: 'DefaultRestartUSec',
  startLimitInterval: 'DefaultStartLimitIntervalUSec',
  startLimitBurst: 'DefaultStartLimitBurst',
} as const satisfies Readonly<Record<keyof ManagerDefaults, string>>;

/** Lines `Property=value`, times as systemctl prints them. */
export function defaultsIn(text: string): ManagerDefaults {
  const values = new Map(text.split('\n').map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]));
  const found = Object.entries(PROPERTIES).map(([name, property]) => {
    const value = values.get(property) ?? '';
    const read = name === 'startLimitBurst' ? Number.parseInt(value, 10) : spanOf(value);
    return [name, read === undefined || Number.isNaN(read) ? MANAGER_DEFAULTS[name as keyof ManagerDefaults] : read];
  });
  return Object.fromEntries(found) as unknown as ManagerDefaults;
}

/** Lines `[Section]` and `Directive=KIND`. */
export function directivesIn(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  let section = '';
  for (const line of text.split('\n')) {
    section = /^\[(.+)\]$/.exec(line)?.[1] ?? section;
    const key = /^([A-Za-z0-9-]+)=/.exec(line)?.[1];
    if (key !== undefined) found.add(`${section}.${key}`);
  }
  return found;
}

/** What a program prints, undefined where it is not there or fails. */
function said(file: string, args: readonly string[]): Promise<string | undefined> {
  const options = {
    timeout: 20_000,
    maxBuffer: 1 << 26,
    env: { ...process.env, LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0' },
  };
  return new Promise((resolve) => {
    execFile(file, [...args], options, (error, stdout) => resolve(error === null ? stdout : undefined));
  });
}
