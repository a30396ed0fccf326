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

/** At these bash begins a word of its own, though they are within one: what is before them stands already. */
const BREAKS = /^.*[=:]/;

/** What bash is to put in the place of the word as it sees it. */
export function forBash(candidates: readonly string[], { words, open }: ShellWords): readonly string[] {
  const partial = words.at(-1) ?? '';
  const stands = open === '' ? (BREAKS.exec(partial)?.[0].length ?? 0) : 0;
  return candidates.map((word) => word.slice(stands));
}
