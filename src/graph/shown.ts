import { maskField } from '../secrets.ts';

/** A command line as people may see it: on one line, words with blanks in quotes, what looks secret masked. */
export function shown(argv: readonly string[]): string {
  const masked = maskField('command', [...argv]) as readonly string[];
  return masked.map((word) => (/^[^\s'"\\]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}
