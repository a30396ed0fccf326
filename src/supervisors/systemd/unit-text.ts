import { canonical } from '../../canonical.ts';
import type { Fields, ServiceId } from '../../model.ts';
import { formatStamp } from '../../stamp.ts';
import { bodyDigest } from '../shared/texts.ts';

export type Section = 'Unit' | 'Service' | 'Install';

/** One directive; its value is escaped already. */
export type Line = readonly [section: Section, key: string, value: string];

/** systemd skips sections of this form without a word. Ours is the last one of a file. */
export const TRAILER = 'X-Reconciled';

/** Raised with every change of what is written for the same fields, so that files are compared and written anew. */
const RENDERING = 1;

export interface Identity {
  readonly owner: string;
  /** With `%i` for the instance of a template. */
  readonly id: ServiceId;
  readonly hash: string;
}

/**
 * The text of a unit file or drop-in: whose it is, its sections with their lines in order, and a trailer that says what
 * it was made from. The digest is of all text before the trailer, so that a hand edit shows whatever version reads it.
 */
export function unitText(
  identity: Identity,
  fields: Fields,
  made: string,
  lines: readonly Line[],
  words = DRIFT,
): string {
  const sections = (['Unit', 'Service', 'Install'] as const).flatMap((section) => {
    const own = lines.filter(([of]) => of === section).map(([, key, value]) => `${key}=${value}\n`);
    return own.length === 0 ? [] : [`[${section}]\n${own.join('')}\n`];
  });
  return withTrailer(`${header(identity, words)}${sections.join('')}`, identity, fields, made);
}

const DRIFT = 'Changes made here by hand are drift: change the desired state instead.';

function header({ owner, id }: Identity, words: string): string {
  const [service] = id.split('@');
  return `# Written by reconciled for the service ${service} of owner ${owner}.\n# ${words}\n\n`;
}

function withTrailer(body: string, { owner, id, hash }: Identity, fields: Fields, made: string): string {
  const stamp = formatStamp(owner, id, hash);
  const digest = bodyDigest(body);
  return `${body}[${TRAILER}]\nStamp=${stamp}\nDigest=${digest}\nMade=${made}\nFields=${fieldsText(fields)}\n`;
}

/** What besides a service's own fields, owner and id a text depends on, in one word. */
export function madeBy(version: number, after: readonly ServiceId[]): string {
  return [RENDERING, version, ...after].join(' ');
}

/** One line of JSON without anything that systemd objects to before it sees what section it is in. */
export function fieldsText(fields: Fields): string {
  return canonical(fields).replace(/[\u007f\u2028\u2029]|\p{Noncharacter_Code_Point}/gu, (text) =>
    Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
