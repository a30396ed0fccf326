import { formatDuration, formatSize } from '../../units.ts';

const MICROSECONDS: readonly (readonly [name: RegExp, us: number])[] = [
  [/^(seconds?|sec|s)$/, 1e6],
  [/^(minutes?|min|m)$/, 60e6],
  [/^(msec|ms)$/, 1e3],
  [/^(usec|us|µs|μs)$/, 1],
  [/^(hours?|hr|h)$/, 3600e6],
  [/^(days?|d)$/, 86_400e6],
  [/^(weeks?|w)$/, 604_800e6],
  [/^(months?|M)$/, 2_629_800e6],
  [/^(years?|y)$/, 31_557_600e6],
];

/** Microseconds of a time span (systemd.time(7)), where a number alone counts seconds; undefined where it is none. */
export function spanOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === 'infinity') return Number.POSITIVE_INFINITY;
  if (trimmed === '') return undefined;
  let total = 0;
  let left = trimmed;
  while (left !== '') {
    const [all, number = '', name = ''] = /^([0-9]*\.?[0-9]+|[0-9]+\.)[ \t]*([a-zA-Zµμ]*)[ \t]*/.exec(left) ?? [];
    if (all === undefined || number === '') return undefined;
    const us = name === '' ? 1e6 : MICROSECONDS.find(([form]) => form.test(name))?.[1];
    if (us === undefined) return undefined;
    total += Number(number) * us;
    left = left.slice(all.length);
  }
  return Math.floor(total + 1e-6);
}

/** A time span as our schema has it, where it has one for just as long. */
export function durationOf(us: number | undefined): string | undefined {
  if (us === undefined || !Number.isSafeInteger(us) || us % 1000 !== 0) return undefined;
  return formatDuration(us / 1000);
}

const POWERS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/** A resource limit in bytes, soft and hard alike; undefined where it is none, or none that a number says. */
export function bytesOf(text: string): number | undefined {
  const [, number, power = ''] = /^([0-9]+)\s*([KMGTPE]?)B?$/.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const bytes = Number(number) * 1024 ** POWERS.indexOf(power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

export function sizeOf(text: string): string | undefined {
  const bytes = bytesOf(text);
  return bytes === undefined ? undefined : formatSize(bytes);
}

export function countOf(text: string): number | undefined {
  const value = /^[0-9]+$/.test(text.trim()) ? Number(text) : undefined;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** What it means where it is said: `yes`, `true`, `on`, `1`, or their opposites. */
export function booleanOf(text: string): boolean | undefined {
  if (/^(1|yes|y|true|t|on)$/i.test(text)) return true;
  return /^(0|no|n|false|f|off)$/i.test(text) ? false : undefined;
}

const SIGNALS: Readonly<Record<string, string>> = {
  1: 'HUP',
  2: 'INT',
  3: 'QUIT',
  9: 'KILL',
  10: 'USR1',
  12: 'USR2',
  15: 'TERM',
};
const NAMES: ReadonlySet<string> = new Set(Object.values(SIGNALS));

/** The name of one that our schema has. */
export function signalOf(text: string): string | undefined {
  const name = SIGNALS[text] ?? text.replace(/^SIG/, '');
  return NAMES.has(name) ? name : undefined;
}
