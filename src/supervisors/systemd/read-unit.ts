import type { Fields } from '../../model.ts';
import { parseStamp, type Stamp } from '../../stamp.ts';
import { bodyDigest } from '../shared/texts.ts';
import { TRAILER } from './unit-text.ts';

/** What a unit file or drop-in says of itself. */
export type UnitReading =
  | {
      readonly kind: 'ours';
      /** Its instance is `%i` in a template. Its owner may be another. */
      readonly stamp: Stamp;
      /** Undefined where they are damaged. */
      readonly fields: Fields | undefined;
      /** By what its text was made from its fields. */
      readonly made: string | undefined;
      /** Nobody has changed or added anything since it was written. */
      readonly intact: boolean;
      /** All text before the trailer. */
      readonly body: string;
    }
  /** Not written by us. */
  | { readonly kind: 'foreign' }
  /** Ours by its trailer, but its stamp is of an unknown version, or damaged. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** Lines end in a newline alone: `$` and `m` would see line ends that systemd does not. */
const HEADER = new RegExp(`(?<=^|\\n)[ \\t]*\\[${TRAILER}\\][ \\t\\r]*(?=\\n|$)`);

/** The first line that is our section's header, however systemd would take it for one. */
function findTrailer(text: string): { readonly begin: number; readonly end: number } | undefined {
  const name = `[${TRAILER}]`;
  const first = text.indexOf(name);
  if (first === -1) return undefined;
  // As we wrote it, which nearly all files are: a regular expression takes ten times as long.
  const end = first + name.length;
  if (text[first - 1] === '\n' && text[end] === '\n') return { begin: first, end };
  const found = HEADER.exec(text);
  return found === null ? undefined : { begin: found.index, end: found.index + found[0].length };
}

/** Never throws: a damaged file is a reading too. */
export function readUnit(text: string): UnitReading {
  const trailer = findTrailer(text);
  if (trailer === undefined) return { kind: 'foreign' };
  const body = text.slice(0, trailer.begin);
  const values = new Map<string, string>();
  let known = true;
  for (const line of text.slice(trailer.end).split('\n')) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined && !values.has(key)) values.set(key, value);
    // Another section, a comment, a key for the second time: somebody else's.
    else if (line.trim() !== '') known = false;
  }
  const written = values.get('Stamp');
  const stamp = parseStamp(written ?? '');
  if (stamp === undefined) {
    const version = /^v([0-9]+):/.exec(written ?? '')?.[1];
    if (version === undefined || version === '1') return { kind: 'unreadable', why: 'its stamp is damaged' };
    return { kind: 'unreadable', why: `its stamp is of version ${version}, which this version does not know` };
  }
  const fields = fieldsOf(values.get('Fields'));
  const intact = known && fields !== undefined && values.get('Digest') === bodyDigest(body);
  return { kind: 'ours', stamp, fields, made: values.get('Made'), intact, body };
}

function fieldsOf(text: string | undefined): Fields | undefined {
  try {
    const value = JSON.parse(text ?? '') as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}
