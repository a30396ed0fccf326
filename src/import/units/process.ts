import type { Json } from '../../canonical.ts';
import { oneLine } from '../../supervisors/shared/texts.ts';
import { whyNotCarried, whyNotPlain } from '../../supervisors/systemd/escape.ts';
import { isStraight, withoutSpecifiers } from './environment.ts';
import type { Lines } from './lines.ts';
import type { RawLine, UnitSource } from './source.ts';
import { hasSecret } from './text.ts';
import { countOf, sizeOf } from './values.ts';

/** Whom a process runs as, where, and with what: each word of ours, or the lines that stay. */
export interface ProcessWords {
  readonly description?: string;
  readonly directory?: string;
  readonly user?: string;
  readonly umask?: string;
  readonly limits?: Readonly<Record<string, Json>>;
  readonly logs?: Readonly<Record<string, Json>>;
}

export function processWords(lines: Lines, source: UnitSource): ProcessWords {
  return {
    description: descriptionOf(lines, source),
    ...optional('directory', directoryOf(lines)),
    ...optional('user', userOf(lines, source)),
    ...optional('umask', umaskOf(lines)),
    ...optional('limits', limitsOf(lines)),
    ...optional('logs', logsOf(lines)),
  } as ProcessWords;
}

export function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}

/** Lines of one directive, the last of which counts; an empty one stands for what is so where nothing is said. */
export function lastOf(lines: Lines, name: string): string | undefined {
  return lines.of(name).at(-1)?.value;
}

/** Without one systemd calls it by its name. */
function descriptionOf(lines: Lines, { name }: UnitSource): string | undefined {
  const written = lastOf(lines, 'Unit.Description') || name.unit.replaceAll('%', '%%');
  const text = withoutSpecifiers(written);
  if (text === undefined || oneLine(text) !== text || whyNotPlain(text) !== undefined || hasSecret(text))
    return undefined;
  lines.take('Unit.Description');
  return text;
}

function directoryOf(lines: Lines): string | undefined {
  const written = lastOf(lines, 'Service.WorkingDirectory') ?? '';
  if (written === '') {
    // `/` by name would be another one: it waits for the mount. A user's services are in their home.
    lines.replace(['Service.WorkingDirectory'], [['Service', 'WorkingDirectory', '']]);
    return undefined;
  }
  const text = withoutSpecifiers(written);
  if (text === undefined || !text.startsWith('/') || !isStraight(text) || whyNotPlain(text) !== undefined)
    return undefined;
  lines.take('Service.WorkingDirectory');
  return text;
}

const ACCOUNT = /^([a-z_][a-z0-9_.-]*\$?|[0-9]+)$/;

function userOf(lines: Lines, { manager }: UnitSource): string | undefined {
  // A user's services all run as that user.
  if (manager === 'user') return undefined;
  const user = lastOf(lines, 'Service.User') ?? '';
  const group = lastOf(lines, 'Service.Group') ?? '';
  const reset: RawLine = ['Service', 'User', ''];
  if (user === '') {
    // Ours would run as root by name, which has a home and groups of its own.
    lines.replace(['Service.User'], [reset]);
    return undefined;
  }
  if (!ACCOUNT.test(user)) return undefined;
  if (group !== '' && !ACCOUNT.test(group)) {
    lines.take('Service.User');
    return user;
  }
  lines.take('Service.User', 'Service.Group');
  return group === '' ? user : `${user}:${group}`;
}

function umaskOf(lines: Lines): string | undefined {
  const written = lastOf(lines, 'Service.UMask');
  if (written === undefined || !/^[0-7]{1,4}$/.test(written) || Number.parseInt(written, 8) > 0o777) return undefined;
  lines.take('Service.UMask');
  return Number.parseInt(written, 8).toString(8).padStart(3, '0');
}

type Limit = readonly [field: string, directive: string, read: (text: string) => Json | undefined];

const atLeast = (least: number) => (text: string) => {
  const count = countOf(text);
  return count !== undefined && count >= least ? count : undefined;
};

const LIMITS: readonly Limit[] = [
  ['addressSpace', 'LimitAS', sizeOf],
  ['openFiles', 'LimitNOFILE', atLeast(3)],
  ['processes', 'LimitNPROC', atLeast(1)],
  ['core', 'LimitCORE', sizeOf],
  ['fileSize', 'LimitFSIZE', sizeOf],
  ['lockedMemory', 'LimitMEMLOCK', sizeOf],
  ['stack', 'LimitSTACK', sizeOf],
];

/** One number is both the soft and the hard limit, as ours is; two, or `infinity`, stay as they are. */
function limitsOf(lines: Lines): Readonly<Record<string, Json>> | undefined {
  const limits = LIMITS.flatMap(([field, directive, read]): [string, Json][] => {
    const value = read(lastOf(lines, `Service.${directive}`) ?? '');
    if (value === undefined) return [];
    lines.take(`Service.${directive}`);
    return [[field, value]];
  });
  return limits.length === 0 ? undefined : Object.fromEntries(limits);
}

/** Only a file that is appended to is one of ours: it was never rotated. */
function logsOf(lines: Lines): Readonly<Record<string, Json>> | undefined {
  const stdout = appendedTo(lines, 'StandardOutput');
  const stderr = appendedTo(lines, 'StandardError');
  if (stdout === undefined && stderr === undefined) return undefined;
  // Beside a file we would send it to the journal; systemd sends it where the output goes.
  if (stderr === undefined && lines.of('Service.StandardError').length === 0)
    lines.first(['Service', 'StandardError', 'inherit']);
  return { ...optional('stdout', stdout), ...optional('stderr', stderr), maxSize: '0MB' };
}

function appendedTo(lines: Lines, directive: string): string | undefined {
  const [, path] = /^append:(.*)$/s.exec(lastOf(lines, `Service.${directive}`) ?? '') ?? [];
  const text = path === undefined ? undefined : withoutSpecifiers(path);
  if (text === undefined || !text.startsWith('/') || text === '/' || !isStraight(text)) return undefined;
  if (whyNotCarried(text) !== undefined) return undefined;
  lines.take(`Service.${directive}`);
  return text;
}
