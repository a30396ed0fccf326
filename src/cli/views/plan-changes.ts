import { equal, type Json } from '../../canonical.ts';
import { unitOf } from '../../fields.ts';
import type { FieldChange } from '../../model.ts';
import { formatDuration, formatSize } from '../../units.ts';
import type { Style } from '../style.ts';

type Tree = { readonly [key: string]: Json };

const INDENT = '      ';
const NOTHING = '(not set)';

/** Lines that tell changed fields: `field: from -> to`, and below each other where that is too long. */
export function changeLines(changes: readonly FieldChange[], width: number, style: Style, later: boolean): string[] {
  return changes.flatMap(perProbe).flatMap((change) => {
    const { field } = change;
    const waits = change.effect === 'restart' || change.effect === 'staged';
    const note = later && waits ? ' (at its next start)' : '';
    const from = change.from === undefined ? NOTHING : valueText(field, change.from);
    const to = change.to === undefined ? NOTHING : valueText(field, change.to);
    const room = width - INDENT.length - field.length - note.length - 2;
    const under = (text: string, sign: string, mark: (text: string) => string) =>
      wrapped(text, width - INDENT.length - 4).map((l, i) => `${INDENT}  ${mark(`${i === 0 ? sign : ' '} ${l}`)}`);
    if (from === to) {
      const differs = style.dim(`(what is not shown differs)${note}`);
      if (to.length + 28 <= room) return [`${INDENT}${field}: ${to} ${differs}`];
      return [`${INDENT}${field}: ${differs}`, ...under(to, ' ', style.dim)];
    }
    if (from.length + to.length + 4 <= room) {
      return [`${INDENT}${field}: ${style.red(from)} -> ${style.green(to)}${style.dim(note)}`];
    }
    return [`${INDENT}${field}:${style.dim(note)}`, ...under(from, '-', style.red), ...under(to, '+', style.green)];
  });
}

/** A list of probes as one change for each probe that differs. */
function perProbe(change: FieldChange): FieldChange[] {
  if (change.field !== 'health') return [change];
  const from = probes(change.from);
  const to = probes(change.to);
  const names = [...new Set([...from.keys(), ...to.keys()])].filter((name) => !equal(from.get(name), to.get(name)));
  if (names.length === 0) return [change];
  return names.map((name) => {
    const [before, after] = [from.get(name), to.get(name)];
    return {
      field: `health.${name}`,
      effect: change.effect,
      ...(before === undefined ? {} : { from: before }),
      ...(after === undefined ? {} : { to: after }),
    };
  });
}

function probes(value: Json | undefined): Map<string, Json> {
  const list = Array.isArray(value) ? (value as readonly Tree[]) : [];
  return new Map(list.map(({ name, ...probe }) => [String(name), probe]));
}

function valueText(field: string, value: Json): string {
  if (field.startsWith('health.')) return probeText(value as Tree);
  if (field === 'health' && Array.isArray(value)) return value.map((probe) => (probe as Tree).name).join(', ');
  if (typeof value === 'number') return numberText(field, value);
  if (!Array.isArray(value)) return plainText(value);
  if (field === 'restartOn' || field === 'environmentFiles')
    return value.map((file) => fileText(file as Json)).join(', ');
  return value.map((item) => plainText(item as Json)).join(' ');
}

function probeText(probe: Tree): string {
  return Object.entries(probe)
    .map(([key, value]) => `${key} ${partText(`health.${key}`, value)}`)
    .join(', ');
}

/** What a probe looks at: it stands without its key, as in `http http://127.0.0.1/ status 204`. */
const LOOKED_AT: ReadonlySet<string> = new Set(['url', 'address', 'command', 'path']);

function partText(field: string, value: Json): string {
  if (typeof value === 'number') return numberText(field, value);
  if (Array.isArray(value)) return value.map((item) => plainText(item as Json)).join(' ');
  if (value === null || typeof value !== 'object') return plainText(value);
  return Object.entries(value as Tree)
    .map(([key, item]) => `${LOOKED_AT.has(key) ? '' : `${key} `}${partText(`${field}.${key}`, item)}`)
    .join(' ');
}

function numberText(field: string, value: number): string {
  const unit = unitOf(field);
  if (unit === 'duration') return formatDuration(value);
  return unit === 'size' ? formatSize(value) : String(value);
}

/** A file that belongs to the definition, with the beginning of its content's digest. */
function fileText(file: Json): string {
  const [path, digest] = Array.isArray(file) ? (file as readonly Json[]) : [file];
  return `${plainText(path ?? '')} (${typeof digest === 'string' ? `content ${digest.slice(0, 8)}` : 'not readable'})`;
}

/** As a shell would take it where it is plain, else quoted, with everything that could move the cursor escaped. */
function plainText(value: Json): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  if (/^[\p{L}\p{N}@%+=:,./~^*?&<>|;#!${}[\]()_-]+$/u.test(value)) return value;
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Broken between words; a longer word stays whole, so that it can be copied. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
