import { closest } from '../closest.ts';
import { parseDuration, parseSize } from '../units.ts';
import type { Kind } from './layer.ts';

/** What other tools call our keys. */
const KEYS = {
  service: {
    args: 'command',
    autorestart: 'restart.policy',
    cmd: 'command',
    cwd: 'directory',
    depends_on: 'start.after',
    dependsOn: 'start.after',
    env: 'environment',
    env_file: 'environmentFiles',
    envFile: 'environmentFiles',
    exec: 'command',
    execStart: 'command',
    ExecStart: 'command',
    enabled: 'autostart',
    healthcheck: 'health',
    numprocs: 'instances',
    program: 'command',
    replicas: 'instances',
    run: 'command',
    workdir: 'directory',
    workingDirectory: 'directory',
    working_dir: 'directory',
  },
  supervisor: {
    backups: 'log.keep',
    chmod: 'socket.mode',
    chown: 'socket.owner',
    configuration: 'config',
    file: 'socket.path',
    files: 'include',
    logfile: 'log.path',
    logfile_backups: 'log.keep',
    logfile_maxbytes: 'log.maxSize',
    loglevel: 'log.level',
    maxbytes: 'log.maxSize',
    pidfile: 'pid',
    unix_http_server: 'socket',
  },
  policy: {},
  host: {},
} satisfies Record<Kind, object>;

/** What other tools call our values. */
const VALUES = new Map(
  Object.entries({
    no: 'never',
    present: 'running',
    removed: 'absent',
    started: 'running',
    'unless-stopped': 'always',
    up: 'running',
    yes: 'always',
  }),
);

/** The known key that an unknown one probably means, as a dotted path where it is elsewhere. */
export function suggestKey(
  kind: Kind,
  key: string,
  here: readonly string[],
  elsewhere: readonly string[],
): string | undefined {
  const others: Readonly<Record<string, string>> = KEYS[kind];
  const other = Object.hasOwn(others, key) ? others[key] : undefined;
  return closest(key, here) ?? other ?? (elsewhere.length > 0 ? elsewhere.join("' or '") : undefined);
}

/** The allowed value that was probably meant. */
export function suggestValue(value: unknown, allowed: readonly string[]): string | undefined {
  if (value === true && allowed.includes('always')) return 'always';
  if (value === false && allowed.includes('never')) return 'never';
  if (typeof value !== 'string') return undefined;
  const other = VALUES.get(value.toLowerCase());
  if (other !== undefined && allowed.includes(other)) return other;
  return allowed.find((word) => value.toUpperCase() === `SIG${word}`) ?? closest(value, allowed);
}

const DURATION_WORDS: readonly [RegExp, string][] = [
  [/^(ms|msecs?|millis|milliseconds?)$/i, 'ms'],
  [/^(|s|secs?|seconds?)$/i, 's'],
  [/^(m|mins?|minutes?)$/i, 'm'],
  [/^(h|hrs?|hours?)$/i, 'h'],
  [/^(d|days?)$/i, 'd'],
];

/** `10` -> `10s`, `5 min` -> `5m`, `1h 30m` -> `1h30m`; undefined where nothing can be made of it. */
export function suggestDuration(value: unknown): string | undefined {
  const text = String(value).trim();
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)\s*/g)];
  const made = parts
    .map(([, number, word = '']) => `${number}${DURATION_WORDS.find(([pattern]) => pattern.test(word))?.[1] ?? '?'}`)
    .join('');
  return parts.map(([all]) => all).join('') === text && parseDuration(made) !== undefined ? made : undefined;
}

/** `2G` -> `2GB`, `512 mb` -> `512MB`, `64Ki` -> `64KiB`; undefined where nothing can be made of it. */
export function suggestSize(value: unknown): string | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?)b?$/i.exec(String(value).trim());
  if (!match) return undefined;
  const [, number, power = '', binary] = match;
  const made = `${number}${power.toUpperCase()}${binary === '' || power === '' ? '' : 'i'}B`;
  return parseSize(made) === undefined ? undefined : made;
}
