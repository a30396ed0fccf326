import type { Line } from './line.ts';

/** An entry of a unit, or of systemd about it. */
export interface Entry {
  readonly unit: string;
  readonly cursor: string;
  readonly lines: readonly Line[];
  /** ms since the epoch. */
  readonly at: number;
}

export type Scope = 'system' | 'user';

/** What is asked for of each entry. */
export const FIELDS = [
  ...['MESSAGE', '_SYSTEMD_UNIT', '_SYSTEMD_USER_UNIT', 'UNIT', 'USER_UNIT', 'OBJECT_SYSTEMD_UNIT', 'COREDUMP_UNIT'],
  ...['_PID', '_UID'],
];

/**
 * The entries of these units in what journalctl writes (`-o export`, the Journal Export Format of systemd: a field a line,
 * those with other bytes by their length, an empty line behind each entry), and what is there of the one after them. A
 * character stands for a byte.
 */
export function entriesIn(
  bytes: string,
  units: ReadonlySet<string>,
  scope: Scope,
): { readonly entries: readonly Entry[]; readonly rest: string } {
  const entries: Entry[] = [];
  let [begin, at] = [0, 0];
  let fields = new Fields();
  for (;;) {
    const end = bytes.indexOf('\n', at);
    if (end === -1) break;
    if (end === at) {
      const entry = fields.entry(units, scope);
      if (entry !== undefined) entries.push(entry);
      fields = new Fields();
      at += 1;
      begin = at;
      continue;
    }
    const equals = bytes.indexOf('=', at);
    if (equals !== -1 && equals < end) {
      fields.add(bytes, at, equals, end);
      at = end + 1;
      continue;
    }
    const from = end + 9;
    if (bytes.length < from) break;
    const to = from + lengthAt(bytes, end + 1);
    if (bytes.length <= to) break;
    fields.set(bytes.slice(at, end), bytes.slice(from, to));
    at = to + 1;
  }
  return { entries, rest: bytes.slice(begin) };
}

/** A 64-bit number, the least byte first; more than 2^48 is none that there could be. */
function lengthAt(bytes: string, at: number): number {
  let length = 0;
  for (let i = 5; i >= 0; i -= 1) length = length * 256 + bytes.charCodeAt(at + i);
  return length;
}

const UNDERSCORE = 95;

/** What is wanted of one entry. */
class Fields {
  #message: string | undefined;
  readonly #values = new Map<string, string>();

  /** Of many fields it can be told by a character that they are not wanted: __MONOTONIC_TIMESTAMP, _BOOT_ID. */
  add(bytes: string, begin: number, equals: number, end: number): void {
    const third = bytes.charCodeAt(begin + 2);
    if (bytes.charCodeAt(begin) === UNDERSCORE && (third === 77 || third === 79)) return;
    this.set(bytes.slice(begin, equals), bytes.slice(equals + 1, end));
  }

  set(name: string, value: string): void {
    if (name !== 'MESSAGE') this.#values.set(name, value);
    else this.#message = this.#message === undefined ? value : `${this.#message}\n${value}`;
  }

  entry(units: ReadonlySet<string>, scope: Scope): Entry | undefined {
    const unit = this.#unit(units, scope);
    if (unit === undefined || this.#message === undefined) return undefined;
    const at = Math.floor(Number(this.#values.get('__REALTIME_TIMESTAMP')) / 1000);
    const cursor = this.#values.get('__CURSOR') ?? '';
    return { unit, cursor, at, lines: this.#message.split('\n').map((text) => ({ text, at })) };
  }

  /** As journalctl does: what others say of a unit counts only where they are who may say so. */
  #unit(units: ReadonlySet<string>, scope: Scope): string | undefined {
    const of = (field: string) => {
      const value = this.#values.get(field);
      return value !== undefined && units.has(value) ? value : undefined;
    };
    const uid = this.#values.get('_UID');
    if (scope === 'user') {
      return uid === String(process.getuid?.()) ? (of('_SYSTEMD_USER_UNIT') ?? of('USER_UNIT')) : undefined;
    }
    const own = of('_SYSTEMD_UNIT');
    if (own !== undefined) return own;
    if (this.#values.get('_PID') === '1') return of('UNIT');
    return uid === '0' ? (of('OBJECT_SYSTEMD_UNIT') ?? of('COREDUMP_UNIT')) : undefined;
  }
}
