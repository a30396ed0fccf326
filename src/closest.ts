import { distance } from 'fastest-levenshtein';

/** A beginning this long says which one is meant, where only one begins so. */
const SHORTEST = 3;

/**
 * The candidate that a person probably meant, or undefined where none is near. Of those as near, the first that begins alike;
 * where none is, the only one that goes on from there.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  const typed = word.toLowerCase();
  // As many changes as letters are no slip.
  const bound = Math.min(Math.max(2, Math.ceil(word.length / 4)), Math.max(1, word.length - 1));
  for (const candidate of candidates) {
    const other = candidate.toLowerCase();
    const far = distance(typed, other);
    const score = far - (other[0] === typed[0] ? 0.5 : 0);
    if (far <= bound && score < least) [best, least] = [candidate, score];
  }
  if (best !== undefined || typed.length < SHORTEST) return best;
  const begun = candidates.filter((candidate) => candidate.toLowerCase().startsWith(typed));
  return begun.length === 1 ? begun[0] : undefined;
}
