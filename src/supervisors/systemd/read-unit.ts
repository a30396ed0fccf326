import type { Fields } from '../../model.ts';
import { parseStamp, type Stamp } from '../../stamp.ts';
import { bodyDigest, TRAILER } from './unit-text.ts';

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

/** Never throws: a damaged file is a reading too. */
export function readUnit(text: string): UnitReading {
  const found = HEADER.exec(text);
  if (found === null) return { kind: 'foreign' };
  const body = text.slice(0, found.index);
  const values = new Map<string, string>();
  let known = true;
  for (const line of text.slice(found.index + found[0].length).split('\n')) {
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
