import type { Document, ParsedNode } from 'yaml';
import { maskField, SECRET_KEY } from '../secrets.ts';
import { yaml } from './yaml.ts';

/**
 * Masks what belongs to a secret-looking key or option on a line that starts at an offset of a document, wherever on
 * the line it is and however many lines it goes on for.
 */
export function maskSecrets(document: Document.Parsed, line: string, from: number): string {
  const hidden = new Set<number>();
  const hide = (node: unknown) => {
    const [start, end] = (node as ParsedNode | null)?.range ?? [0, 0];
    for (let i = Math.max(start - from, 0); i < Math.min(end - from, line.length); i += 1) hidden.add(i);
  };
  const { isScalar, visit } = yaml();
  visit(document, {
    Pair(_, { key, value }) {
      if (isScalar(key) && SECRET_KEY.test(String(key.value))) hide(value);
    },
    Seq(_, { items }) {
      const words = items.map((item) => (isScalar(item) ? String(item.value) : ''));
      for (const i of maskedWords(words)) hide(items[i]);
    },
    Scalar(_, scalar) {
      if (maskedWords(String(scalar.value).split(/\s+/)).length > 0) hide(scalar);
    },
  });
  if (hidden.size === 0) return line;
  let masked = '';
  for (let i = 0; i < line.length; i += 1) {
    if (!hidden.has(i)) masked += line[i];
    else if (!hidden.has(i - 1)) masked += '***';
  }
  return masked;
}

/** The places of the words that are secret: behind `--password`, or of the form `PASSWORD=…`. */
function maskedWords(words: readonly string[]): number[] {
  const masked = maskField('', words) as readonly string[];
  return words.flatMap((word, i) => (masked[i] === word ? [] : [i]));
}
