import type { Position } from '../../problem.ts';
import { maskFile, SECRET_KEY } from '../../secrets.ts';

/** A line of a unit file as systemd takes it: continued lines are one. */
export interface UnitLine {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** Where it begins; what looks secret in it is masked. */
  readonly at: Position;
}

/** What systemd passes over, and why. */
export interface Ignored {
  readonly key: string;
  readonly value?: string;
  readonly at: Position;
  readonly why: string;
  readonly noEffect: true;
}

export interface UnitText {
  readonly lines: readonly UnitLine[];
  readonly ignored: readonly Ignored[];
  /** Why systemd reads no further than to here, and does not load a unit file of this kind at all. */
  readonly broken?: { readonly at: Position; readonly why: string };
}

const SECTIONS = ['Unit', 'Service', 'Install'];

/** Not `\s`: to systemd nothing else is white space. */
const ENDS = /^[ \t\n\r]+|[ \t\n\r]+$/g;

/** The lines of a unit file or drop-in, as systemd's own reader takes them apart (systemd.syntax(7), conf-parser.c). */
export function readUnitText(file: string, bytes: Buffer | string): UnitText {
  const lines: UnitLine[] = [];
  const ignored: Ignored[] = [];
  let section: string | undefined;
  let passedOver: string | undefined;
  for (const { text, excerpt, number, valid } of joined(bytes)) {
    const line = trim(text);
    if (line === '') continue;
    const at = positionOf(file, number, excerpt);
    const pass = (key: string, why: string, value?: string) => {
      ignored.push({
        key,
        at,
        why,
        noEffect: true,
        ...(value === undefined ? {} : { value: maskedValue(key, value) }),
      });
    };
    if (!valid) {
      pass(`line ${number}`, 'it is no valid UTF-8, so systemd passes over it');
    } else if (line.startsWith('[')) {
      const name = line.slice(1, -1);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what systemd objects to
      if (!line.endsWith(']') || /[\x01-\x1f\x7f"'\\]/.test(name)) {
        return { lines, ignored, broken: { at, why: `${line} is no header of a section` } };
      }
      section = SECTIONS.includes(name) ? name : undefined;
      passedOver = section === undefined ? name : undefined;
    } else if (section === undefined) {
      const [, key = line, value] = /^(.*?)=(.*)$/s.exec(line) ?? [];
      const where =
        passedOver === undefined
          ? 'it stands before the first section, so systemd passes over it'
          : `systemd passes over the section [${passedOver}] of a service`;
      pass(passedOver === undefined ? trim(key) : `[${passedOver}] ${trim(key)}`, where, value);
    } else if (!line.includes('=')) {
      pass(maskedLine(line), "it has no '=', so systemd passes over it");
    } else {
      const begin = line.indexOf('=');
      lines.push({ section, key: trim(line.slice(0, begin)), value: trim(line.slice(begin + 1)), at });
    }
  }
  return { lines, ignored };
}

interface Joined {
  readonly text: string;
  readonly excerpt: string;
  readonly number: number;
  readonly valid: boolean;
}

/** Lines without comments; those that a backslash continues are one. */
function* joined(bytes: Buffer | string): Generator<Joined> {
  let open: Joined | undefined;
  let number = 0;
  for (const { text, valid } of linesOf(bytes)) {
    number += 1;
    if (/^[ \t]*[#;]/.test(text)) continue;
    const whole: Joined = {
      text: (open?.text ?? '') + text,
      excerpt: open?.excerpt ?? text,
      number: open?.number ?? number,
      valid: (open?.valid ?? true) && valid,
    };
    // An odd one continues the line; a space takes its place.
    const continued = /(?<!\\)(\\\\)*\\$/s.test(whole.text);
    if (continued) open = { ...whole, text: `${whole.text.slice(0, -1)} ` };
    else {
      open = undefined;
      yield whole;
    }
  }
  if (open !== undefined) yield open;
}

/** `\n`, `\r` and zero bytes end a line, and so does each pair of them. */
function linesOf(bytes: Buffer | string): { readonly text: string; readonly valid: boolean }[] {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const raw = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  return raw
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .split(/\n\r|\r\n|[\n\r\0]/)
    .map((line) => {
      const own = Buffer.from(line, 'latin1');
      try {
        return { text: strict.decode(own), valid: true };
      } catch {
        return { text: own.toString('utf8'), valid: false };
      }
    });
}

function trim(text: string): string {
  return text.replace(ENDS, '');
}

function positionOf(file: string, line: number, text: string): Position {
  const excerpt = maskedLine(text);
  const column = excerpt.length - excerpt.trimStart().length + 1;
  return { file, line, column, length: Math.max(1, excerpt.trim().length), excerpt };
}

/** A line as it may be shown. */
function maskedLine(text: string): string {
  const [, head = '', key = '', value] = /^(\s*([A-Za-z0-9_.-]+)\s*=\s*)(.*)$/s.exec(text) ?? [];
  return value === undefined ? shown(text) : head + maskedValue(key, value);
}

/** The value of a directive as it may be shown. */
export function maskedValue(key: string, value: string): string {
  if (SECRET_KEY.test(key) && value !== '') return '***';
  return shown(`${key}=${value}`).slice(key.length + 1);
}

/** Has a text what looks like a secret, whatever its directive is called? */
export function hasSecret(text: string): boolean {
  return shown(`X=${text}`) !== `X=${text}`;
}

function shown(text: string): string {
  return maskFile({ path: '', to: text }).to ?? '';
}
