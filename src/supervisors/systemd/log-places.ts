import { basename } from 'node:path';
import type { Service, ServiceId } from '../../model.ts';
import { why } from '../../problem.ts';
import { filePlace, type LogPlace, type LogPlaces, type Stream } from '../log-place.ts';
import type { Scope } from '../shared/bus-address.ts';
import { type Disk, foldersOf, readDisk, readText } from './disk.ts';
import { unitOf } from './names.ts';

/**
 * Where units log by their files and drop-ins, ours or those of others: systemd tells nobody the path of a log file. What
 * systemd itself says of a unit is in the journal, wherever the unit's own output goes.
 */
export function logPlaces(scope: Scope, services: readonly Service[]): LogPlaces {
  const places = new Map<ServiceId, readonly LogPlace[]>();
  try {
    const disk = readDisk(foldersOf(scope));
    for (const service of services) {
      const unit = unitOf(service);
      const texts = textsOf(disk, unit);
      if (texts !== undefined) places.set(service.id, placesOf(scope, unit, texts));
    }
    return { places };
  } catch (error) {
    const { path } = error as NodeJS.ErrnoException;
    const summary = `cannot tell where units log: ${why(error)}${path === undefined ? '' : ` (${path})`}`;
    return { places, problem: { code: 'systemd-unreadable', summary } };
  }
}

/** The unit's file and its drop-ins, in the order that they count; undefined where there is no such unit. */
function textsOf(disk: Disk, unit: string): readonly string[] | undefined {
  const fragment = disk.fragment(unit);
  if (fragment === undefined) return undefined;
  const confs = [...disk.dropIns(unit)].sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
  const paths = fragment.kind === 'masked' ? confs : [fragment.path, ...confs];
  return paths.map((path) => readText(path) ?? '');
}

function placesOf(scope: Scope, unit: string, texts: readonly string[]): readonly LogPlace[] {
  const stdout = lastValue(texts, 'StandardOutput') ?? 'journal';
  const stderr = lastValue(texts, 'StandardError') ?? 'inherit';
  const files = new Map<string, Stream[]>();
  const nowhere: LogPlace[] = [];
  const journal: Stream[] = [];
  const add = (stream: Stream, value: string) => {
    const path = /^(?:append|file|truncate):(.*)$/.exec(value)?.[1];
    if (path !== undefined) {
      const expanded = withSpecifiers(path, unit);
      files.set(expanded, [...(files.get(expanded) ?? []), stream]);
    } else if (/^(null|tty|socket|fd(:.*)?)$/.test(value)) {
      const where = value === 'null' ? '/dev/null' : `a ${value.split(':')[0]}, which can't be read again`;
      nowhere.push({ kind: 'nowhere', streams: [stream], why: `goes to ${where}` });
    } else journal.push(stream);
  };
  add('stdout', stdout);
  add('stderr', stderr === 'inherit' || stderr === '' ? stdout : stderr);
  return [
    ...[...files].map(([path, streams]) => filePlace(path, streams)),
    ...nowhere,
    { kind: 'journal', streams: journal, scope, unit },
  ];
}

/** What counts of a directive of [Service]: the last, with lines that go on in the next one put together. */
function lastValue(texts: readonly string[], key: string): string | undefined {
  let value: string | undefined;
  for (const text of texts) {
    let section = '';
    for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
      section = /^\s*\[([^\]]+)\]/.exec(line)?.[1] ?? section;
      const [, name, found = ''] = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      if (section === 'Service' && name === key) value = found === '' ? undefined : found;
    }
  }
  return value;
}

/** Those of systemd.unit(5) that make sense in the name of a log. */
function withSpecifiers(path: string, unit: string): string {
  const whole = unit.replace(/\.[a-z]+$/, '');
  const [prefix = '', instance = ''] = whole.split('@');
  const known: Readonly<Record<string, string>> = {
    '%': '%',
    n: unit,
    N: whole,
    p: prefix,
    i: instance,
    L: '/var/log',
  };
  return path.replace(/%(.)/g, (all, letter: string) => known[letter] ?? all);
}
