import { createHash } from 'node:crypto';

/** Half of a SHA-256: of a unit file `sed '/^\[X-Reconciled\]/,$d' FILE | sha256sum` begins with it. */
export function bodyDigest(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 32);
}

/** Texts for people have lines and what not. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\s\p{Cc}\p{Noncharacter_Code_Point}]+/gu, ' ')
    .trim();
}
