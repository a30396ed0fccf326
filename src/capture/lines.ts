import type { Json } from '../canonical.ts';
import type { SupervisorName } from '../model.ts';
import { formatDuration, parseDuration } from '../units.ts';

/** One line of a unit or a program file, with the section it stands in. */
export interface FileLine {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** A field of a service file, by its path, and what to write there. `add`: one more item of a list that may be there. */
export type Wanted =
  | { readonly kind: 'set'; readonly path: readonly string[]; readonly value: Json }
  | { readonly kind: 'add'; readonly path: readonly string[]; readonly value: Json };

/** The lines of a file, as far as people can have written them: without comments, our own trailer, and what marks a process. */
export function linesIn(text: string): readonly FileLine[] {
  const lines: FileLine[] = [];
  let section = '';
  for (const line of text.split('\n')) {
    const head = /^\[(.+)\]\s*$/.exec(line);
    if (head) section = head[1] ?? '';
    const [, key, value] = /^([A-Za-z_][A-Za-z0-9_-]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section === OURS || key === undefined || value === undefined) continue;
    lines.push({ section: section.replace(/:.*$/, ''), key, value: withoutStamp(value) });
  }
  return lines;
}

const OURS = 'X-Reconciled';

/** With every change of a field the stamp is another. */
function withoutStamp(value: string): string {
  return value
    .replace(/(v1:[^:\s"]+:[^:\s"]*:[^:\s"]*:)[0-9a-f]+/g, '$1')
    .replace(/(RECONCILED_SETTINGS=["']?)[0-9a-f]+/g, '$1');
}

/** Those that are in one and not in the other. */
export function linesBeyond(lines: readonly FileLine[], others: readonly FileLine[]): readonly FileLine[] {
  const left = others.map(keyOf);
  return lines.filter((line) => {
    const at = left.indexOf(keyOf(line));
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

function keyOf({ section, key, value }: FileLine): string {
  return `${section} ${key} ${value}`;
}

type Read = (value: string) => readonly (readonly [path: string, value: Json])[];

const text =
  (path: string): Read =>
  (value) => [[path, value]];
const number =
  (path: string, less = 0): Read =>
  (value) =>
    /^\d+$/.test(value) ? [[path, Number(value) - less]] : [];
/** As people write it: seconds where there is no unit. */
const duration =
  (path: string): Read =>
  (value) => {
    const ms = parseDuration(/^\d+$/.test(value) ? `${value}s` : value.replace(/\s+/g, '').replace(/min/g, 'm'));
    return ms === undefined ? [] : [[path, formatDuration(ms)]];
  };
const limit =
  (path: string): Read =>
  (value) =>
    /^\d+$/.test(value) ? [[path, Number(value)]] : [];
const file =
  (path: string): Read =>
  (value) =>
    value.startsWith('append:') ? [[path, value.slice('append:'.length)]] : [];

const SYSTEMD: Readonly<Record<string, Read>> = {
  Description: text('description'),
  User: text('user'),
  WorkingDirectory: text('directory'),
  UMask: (value) => [['umask', value.replace(/^0(?=\d{3}$)/, '')]],
  KillSignal: (value) => [['stop.signal', value.replace(/^SIG/, '')]],
  TimeoutStopSec: duration('stop.timeout'),
  KillMode: (value) =>
    value === 'control-group' || value === 'process' ? [['stop.tree', value === 'control-group']] : [],
  Restart: (value) => [['restart.policy', value === 'no' ? 'never' : value]],
  RestartSec: duration('restart.backoff.initial'),
  StartLimitIntervalSec: duration('restart.limit.within'),
  StartLimitBurst: number('restart.limit.restarts', 1),
  LimitAS: limit('limits.addressSpace'),
  LimitNOFILE: limit('limits.openFiles'),
  LimitNPROC: limit('limits.processes'),
  LimitCORE: limit('limits.core'),
  LimitFSIZE: limit('limits.fileSize'),
  LimitMEMLOCK: limit('limits.lockedMemory'),
  LimitSTACK: limit('limits.stack'),
  StandardOutput: file('logs.stdout'),
  StandardError: file('logs.stderr'),
  Environment: (value) => {
    const [, key, word] = /^"?([A-Za-z_][A-Za-z0-9_]*)=([^"\\]*)"?$/.exec(value) ?? [];
    return key === undefined || word === undefined ? [] : [[`environment.${key}`, word]];
  },
};

const SUPERVISORD: Readonly<Record<string, Read>> = {
  directory: text('directory'),
  user: text('user'),
  umask: text('umask'),
  autostart: (value) => [['autostart', value === 'true']],
  startsecs: duration('start.ready'),
  startretries: number('start.retries'),
  stopsignal: text('stop.signal'),
  stopwaitsecs: duration('stop.timeout'),
  stopasgroup: (value) => [['stop.tree', value === 'true']],
  stdout_logfile: text('logs.stdout'),
  stderr_logfile: text('logs.stderr'),
  stdout_logfile_maxbytes: text('logs.maxSize'),
  stdout_logfile_backups: number('logs.keep'),
};

/**
 * What a line may stem from, the likeliest first: a field, or a line of `raw` as it stands. Whether it does is for whoever
 * renders it to see.
 */
export function candidatesOf({ section, key, value }: FileLine, supervisor: SupervisorName): readonly Wanted[] {
  const systemd = supervisor === 'systemd';
  const read = (systemd ? SYSTEMD : SUPERVISORD)[key];
  const fields = (read?.(value) ?? []).map(
    ([path, found]): Wanted => ({ kind: 'set', path: path.split('.'), value: found }),
  );
  const path = ['raw', systemd ? 'systemd' : 'supervisord'];
  return [...fields, { kind: 'add', path, value: [section, key, value] }];
}
