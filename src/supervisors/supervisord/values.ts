import { constants } from 'node:os';
import { integer, octal, strip } from './python.ts';

/** How supervisord takes the text of an option (supervisor.datatypes). */
export interface Kind<T> {
  /** What is right, behind "is not". */
  readonly wanted: string;
  /** Undefined where it refuses the text. */
  of(text: string): T | undefined;
}

function kind<T>(wanted: string, of: (text: string) => T | undefined): Kind<T> {
  return { wanted, of };
}

export const WHOLE: Kind<number> = kind('a whole number', integer);

export const OCTAL: Kind<number> = kind('an octal number such as 0700', octal);

const TRUE = ['yes', 'true', 'on', '1'];
const FALSE = ['no', 'false', 'off', '0'];

function boolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (TRUE.includes(lower)) return true;
  return FALSE.includes(lower) ? false : undefined;
}

export const BOOLEAN: Kind<boolean> = kind('true or false', boolean);

export const AUTORESTART: Kind<boolean | 'unexpected'> = kind('true, false or unexpected', (text) =>
  text.toLowerCase() === 'unexpected' ? 'unexpected' : boolean(text),
);

const UNITS: Readonly<Record<string, number>> = { kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 };

/** Powers of 1024, and no other units: `1G` is refused. */
export const BYTES: Kind<number> = kind('a size in bytes, KB, MB or GB', (text) => {
  const unit = UNITS[text.slice(-2).toLowerCase()];
  const count = integer(unit === undefined ? text : text.slice(0, -2));
  return count === undefined ? undefined : count * (unit ?? 1);
});

export const EXIT_CODES: Kind<readonly number[]> = kind('a list of exit codes from 0 to 255, with commas', (text) => {
  if (text === '') return [];
  const codes = text.split(',').map(integer);
  return codes.every((code) => code !== undefined && code >= 0 && code <= 255) ? (codes as number[]) : undefined;
});

/** Node knows these, and Python some more; SIG_DFL and SIG_IGN are among its signals too, as 0 and 1. */
const SIGNALS: Readonly<Record<string, number>> = { ...constants.signals, SIGCLD: 17, SIGRTMIN: 34, SIGRTMAX: 64 };
const NUMBERS = new Set([0, ...Object.values(SIGNALS)]);

/** Its number. */
export const SIGNAL: Kind<number> = kind('a signal', (text) => {
  const name = strip(text).toUpperCase();
  const number = integer(text) ?? SIGNALS[name.startsWith('SIG') ? name : `SIG${name}`];
  return number !== undefined && NUMBERS.has(number) ? number : undefined;
});

const LEVELS = ['critical', 'error', 'warn', 'info', 'debug', 'trace', 'blather'];

export const LOG_LEVEL: Kind<string> = kind(`one of ${LEVELS.join(', ')}`, (text) =>
  LEVELS.includes(text.toLowerCase()) ? text.toLowerCase() : undefined,
);

/** Where a TCP listener listens: on every address where `host` is empty. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const ADDRESS: Kind<Address> = kind('a port or HOST:PORT', (text) => {
  const colon = text.lastIndexOf(':');
  const host = colon === -1 ? '' : text.slice(0, colon).toLowerCase();
  const port = integer(text.slice(colon + 1));
  if (port === undefined || port < 1 || port > 0xffff) return undefined;
  return { host: host === '*' ? '' : host, port };
});

/** The name of a program, process or group; undefined where one of its signs has a meaning elsewhere. */
export function nameIn(text: string): string | undefined {
  const name = strip(text);
  return /[ :/]/.test(name) ? undefined : name;
}
