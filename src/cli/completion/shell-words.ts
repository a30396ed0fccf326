/** The words of a command line as bash takes them, quotes and backslashes taken away, up to a cursor at its end. */
export interface ShellWords {
  readonly words: readonly string[];
  /** The quote that the last of them is within. */
  readonly open: string;
}

/** Words of the last command of a line: what comes after `;`, `|` or `&&` is one of its own. */
export function shellWords(line: string): ShellWords {
  let words: string[] = [];
  let word: string | undefined;
  let open = '';
  for (let i = 0; i < line.length; i += 1) {
    const sign = line[i] ?? '';
    if (open !== '') {
      if (sign === open) open = '';
      else if (sign === '\\' && open === '"' && /["\\$`]/.test(line[i + 1] ?? '')) word += line[++i] ?? '';
      else word += sign;
    } else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (/[;|&]/.test(sign)) {
      [words, word] = [[], undefined];
    } else if (sign === '"' || sign === "'") {
      word ??= '';
      open = sign;
    } else {
      word = (word ?? '') + (sign === '\\' ? (line[++i] ?? '') : sign);
    }
  }
  return { words: [...words, word ?? ''], open };
}

/** Where nobody says at which signs bash begins a word of its own, though they are within one. */
const BREAKS = '@=:';

/** What bash is to put in the place of the word as it sees it: what stands before a sign that breaks words is none of it. */
export function forBash(
  candidates: readonly string[],
  { words, open }: ShellWords,
  breaks: string = BREAKS,
): readonly string[] {
  const partial = open === '' ? (words.at(-1) ?? '') : '';
  // These two belong to the word that they begin.
  const begins = (sign: string, i: number) => (!breaks.includes(sign) ? 0 : '$@'.includes(sign) ? i : i + 1);
  const stands = Math.max(0, ...Array.from(partial, begins));
  return candidates.map((word) => word.slice(stands));
}
