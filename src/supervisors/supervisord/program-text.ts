import { canonical } from '../../canonical.ts';
import type { Fields, ServiceId } from '../../model.ts';
import { formatStamp, parseStamp, stampId } from '../../stamp.ts';
import { bodyDigest } from '../shared/texts.ts';
import type { Line } from './lines.ts';

/** Raised with every change of what is written for the same fields, so that files are compared and written anew. */
export const RENDERING = 1;

/** The header of what we say of a file at its end, in comments. */
const TRAILER = '; [X-Reconciled]';

/** What a trailer says besides whose it is. */
export interface Trailer {
  readonly fields: Fields;
  /** By what the text was made from its fields. */
  readonly made: string;
  /** supervisord starts it when it starts. */
  readonly autostart: boolean;
  /** How long it must be up to count as started, in ms. */
  readonly startsecs: number;
  /** Digest of the settings that a process has from its start (see settings-digest.ts). */
  readonly settings: string;
  /** Where its last words are. */
  readonly stderrLog: string;
}

export interface Identity {
  readonly owner: string;
  readonly id: ServiceId;
  readonly hash: string;
}

/** What a file of ours, or of another owner's, says of itself. */
export interface ProgramFile extends Identity, Trailer {
  /** Somebody has changed it or added something since it was written. */
  readonly edited: boolean;
}

/**
 * The text of a program file: whose it is, its section with its lines in order, and a trailer that says what it was made
 * from, in plain ASCII. Its last line is a digest of all text before, so that a hand edit shows whatever version reads it.
 * `section` is its name, `program:NAME`.
 */
export function programText(
  identity: Identity,
  description: string,
  section: string,
  lines: readonly Line[],
  { fields, ...more }: Trailer,
): string {
  const { owner, id, hash } = identity;
  const about = description === '' ? '' : `; ${description}\n`;
  const body = lines.map(([key, value]) => `${key}=${value}\n`).join('');
  return signed(
    `; Written by reconciled for the service ${id} of owner ${owner}.\n; ${DRIFT}\n${about}\n[${section}]\n${body}\n`,
    [
      ['Stamp', formatStamp(owner, id, hash)],
      ['Program', ascii(canonical(more))],
      ['Fields', ascii(canonical(fields))],
    ],
  );
}

/** Digest of the section in such a text: whose it is, and what it was made from, is no part of that. */
export function sectionDigest(text: string): string {
  return bodyDigest(/^\[[^\n]*\]\n[\s\S]*?(?=\n; \[X-Reconciled\])/m.exec(text)?.[0] ?? '');
}

export const DRIFT = 'Changes made here by hand are drift: change the desired state instead.';

/** A body with a trailer of lines in comments, the last of them the digest of all before. */
export function signed(body: string, lines: readonly Line[]): string {
  const text = `${body}${TRAILER}\n${lines.map(([key, value]) => `; ${key}=${value}\n`).join('')}`;
  return `${text}; Digest=${bodyDigest(text)}\n`;
}

/** The lines of a trailer by key; undefined where there is none. Lines end in a newline alone, but others' editors differ. */
export function readSigned(
  text: string,
): { readonly values: ReadonlyMap<string, string>; readonly edited: boolean } | undefined {
  const header = `\n${TRAILER}`;
  const at = text.lastIndexOf(header);
  if (at === -1) return undefined;
  const values = new Map<string, string>();
  let [position, digestAt] = [at + 1, -1];
  for (const line of text.slice(at + 1).split('\n')) {
    const [, key, value] = /^; ([A-Z][a-z]+)=(.*?)\r?$/s.exec(line) ?? [];
    if (key !== undefined && value !== undefined) {
      if (key === 'Digest') digestAt = position;
      values.set(key, value);
    }
    position += line.length + 1;
  }
  const digest = values.get('Digest') ?? '';
  const intact =
    digestAt !== -1 &&
    text.slice(digestAt) === `; Digest=${digest}\n` &&
    digest === bodyDigest(text.slice(0, digestAt));
  return { values, edited: !intact };
}

/** What a file says of itself; undefined where it is not ours, or its stamp is damaged. Never throws. */
export function readProgram(text: string): ProgramFile | undefined {
  const read = readSigned(text);
  const stamp = parseStamp(read?.values.get('Stamp') ?? '');
  if (read === undefined || stamp === undefined) return undefined;
  const more = object(read.values.get('Program')) as Partial<Omit<Trailer, 'fields'>> | undefined;
  const fields = object(read.values.get('Fields')) as Fields | undefined;
  return {
    owner: stamp.owner,
    id: stampId(stamp),
    hash: stamp.hash,
    fields: fields ?? {},
    made: more?.made ?? '',
    autostart: more?.autostart ?? false,
    startsecs: more?.startsecs ?? 0,
    settings: more?.settings ?? '',
    stderrLog: more?.stderrLog ?? '',
    edited: read.edited || more === undefined || fields === undefined,
  };
}

function object(text: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON without anything that another encoding or an editor would make something else of. */
function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
