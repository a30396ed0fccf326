import { directives, words } from '../../supervisors/systemd/parse.ts';

/**
 * What unit files come to for systemd 252, written down from its manual pages and knowing nothing of the importer: each
 * directive with the values that count, times in microseconds, commands as words. Two files of one meaning are equal here.
 */
export function effective(...texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { section, key, value } of texts.flatMap(directives)) {
    for (const [name, own] of canonical(section, key, value)) {
      const kind = kindOf(name);
      const before = found.get(name) ?? [];
      if (kind === 'last') found.set(name, own === '' ? [] : [own]);
      else if (own === '') found.set(name, []);
      else found.set(name, [...before, ...(kind === 'words' ? words(own) : [own])]);
    }
  }
  const defaults = Object.entries(DEFAULTS).filter(([name]) => (found.get(name) ?? []).length === 0);
  for (const [name, value] of defaults) found.set(name, [value]);
  const type = found.get('Service.Type')?.at(-1);
  if (type === undefined) {
    const starts = (found.get('Service.ExecStart') ?? []).length > 0;
    const bus = (found.get('Service.BusName') ?? []).length > 0;
    found.set('Service.Type', [bus ? 'dbus' : starts ? 'simple' : 'oneshot']);
  }
  const codes = found.get('Service.RestartPreventExitStatus');
  if (codes !== undefined) found.set('Service.RestartPreventExitStatus', [...new Set(codes)]);
  const assigned = new Map(
    (found.get('Service.Environment') ?? []).map((one) => [one.slice(0, one.indexOf('=')), one] as const),
  );
  found.set('Service.Environment', [...assigned.values()].sort());
  return new Map([...found].filter(([, values]) => values.length > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const DEFAULTS: Readonly<Record<string, string>> = {
  'Service.TimeoutStopSec': '90000000',
  'Service.RestartSec': '100000',
  'Service.Restart': 'no',
  'Service.UMask': '22',
  'Service.KillMode': 'control-group',
  'Service.KillSignal': 'TERM',
  'Service.StandardError': 'inherit',
  'Unit.StartLimitIntervalSec': '10000000',
  'Unit.StartLimitBurst': '5',
};

function kindOf(name: string): 'last' | 'list' | 'words' {
  if (name === 'Service.Environment' || name === 'Service.RestartPreventExitStatus') return 'words';
  if (/^(Service\.(Exec|EnvironmentFile|RestartForceExitStatus)|Unit\.|Install\.)/.test(name))
    return /^Unit\.(Description|StartLimit)/.test(name) ? 'last' : 'list';
  return 'last';
}

function canonical(section: string, key: string, value: string): readonly (readonly [name: string, value: string])[] {
  const name = `${section}.${key}`;
  if (key === 'TimeoutSec') return ['TimeoutStartSec', 'TimeoutStopSec'].map((one) => [`Service.${one}`, time(value)]);
  if (/^StartLimitInterval(Sec)?$/.test(key)) return [['Unit.StartLimitIntervalSec', time(value)]];
  if (key === 'StartLimitBurst') return [['Unit.StartLimitBurst', value]];
  if (/Sec$/.test(key)) return [[name, time(value)]];
  if (key === 'UMask') return [[name, Number.parseInt(value, 8).toString(8)]];
  if (key === 'KillSignal') return [[name, value.replace(/^SIG/, '')]];
  if (/^Limit/.test(key)) return [[name, size(value)]];
  if (/^Exec/.test(key)) return [[name, value === '' ? '' : JSON.stringify(command(value))]];
  return [[name, value]];
}

/** Where it holds several commands, as it stands. */
function command(value: string): readonly string[] | string {
  try {
    // One at the end begins no other command.
    return words(value.replace(/([ \t];)+$/, ''));
  } catch {
    return value;
  }
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1e6,
  us: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  min: 60e6,
  h: 3600e6,
  d: 864e8,
};

function time(value: string): string {
  if (value === 'infinity') return value;
  const parts = [...value.matchAll(/([0-9.]+)\s*([a-z]*)/g)];
  return String(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ''] ?? Number.NaN), 0));
}

function size(value: string): string {
  const [, number, unit = ''] = /^([0-9]+)([KMG]?)$/.exec(value) ?? [];
  return number === undefined ? value : String(Number(number) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit));
}
