/** A word of a value, as systemd splits it: without quotes and escapes. */
export interface Word {
  readonly text: string;
  /** As it is written, quotes and all. */
  readonly raw: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  s: ' ',
};

const NUMBERED: readonly (readonly [form: RegExp, radix: number])[] = [
  [/^x([0-9a-fA-F]{2})/, 16],
  [/^u([0-9a-fA-F]{4})/, 16],
  [/^U([0-9a-fA-F]{8})/, 16],
  [/^([0-3][0-7]{2})/, 8],
];

/** What to do with an escape that there is not: a command line is refused, an assignment keeps it as it stands. */
export type Unknown = 'refuse' | 'keep';

/**
 * The first word of a text, and what comes after it with the white space before that; undefined where a quote is never
 * closed or an escape is none (extract-word.c). `word` is undefined where there is none left.
 */
export function firstWord(
  text: string,
  unknown: Unknown,
): { readonly word: Word | undefined; readonly rest: string } | undefined {
  let at = /^[ \t\n\r]*/.exec(text)?.[0].length ?? 0;
  if (at === text.length) return { word: undefined, rest: '' };
  const begin = at;
  let [word, quote] = ['', ''];
  for (; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') {
      const escaped = escapeAt(text, at, unknown);
      if (escaped === undefined) return undefined;
      word += escaped.text;
      at += escaped.length - 1;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") quote = char;
    else if (/[ \t\n\r]/.test(char)) break;
    else word += char;
  }
  if (quote !== '') return undefined;
  const raw = text.slice(begin, at);
  return { word: { text: word, raw }, rest: text.slice(at).replace(/^[ \t\n\r]+/, '') };
}

function escapeAt(
  text: string,
  at: number,
  unknown: Unknown,
): { readonly text: string; readonly length: number } | undefined {
  const rest = text.slice(at + 1);
  // A backslash at the very end is lost, or refused.
  if (rest === '') return unknown === 'keep' ? { text: '\\', length: 1 } : undefined;
  for (const [form, radix] of NUMBERED) {
    const digits = form.exec(rest)?.[1];
    if (digits === undefined) continue;
    const code = Number.parseInt(digits, radix);
    // Bytes beyond ASCII would need their neighbours to be a character, zero ends a text.
    if (code === 0 || code > 0x10ffff || (radix === 8 && code > 0x7f) || (digits.length === 2 && code > 0x7f)) break;
    return { text: String.fromCodePoint(code), length: 2 + digits.length - (radix === 8 ? 1 : 0) };
  }
  const named = ESCAPES[rest.charAt(0)];
  if (named !== undefined) return { text: named, length: 2 };
  return unknown === 'keep' ? { text: `\\${rest.charAt(0)}`, length: 2 } : undefined;
}

/** All words of a value; undefined where systemd would take only a part of it, or none. */
export function wordsIn(text: string, unknown: Unknown): readonly Word[] | undefined {
  const words: Word[] = [];
  for (let left = text; ; ) {
    const next = firstWord(left, unknown);
    if (next === undefined) return undefined;
    if (next.word === undefined) return words;
    words.push(next.word);
    left = next.rest;
  }
}

/** One command of an Exec directive: the words as they are before specifiers and variables are put in. */
export interface CommandLine {
  /** `-`, `@`, `:`, `+`, `!`, `!!`, in any order. */
  readonly signs: string;
  readonly argv: readonly string[];
}

/** The commands of an Exec directive (load-fragment.c); undefined where systemd would refuse or shorten it. */
export function commandsIn(value: string): readonly CommandLine[] | undefined {
  const commands: CommandLine[] = [];
  for (let left = value; left !== ''; ) {
    const first = firstWord(left, 'refuse');
    if (first?.word === undefined) return first === undefined ? undefined : commands;
    const [, signs = '', program = ''] = /^([-@:+!]*)(.*)$/s.exec(first.word.text) ?? [];
    const argv = [program];
    left = first.rest;
    while (left !== '' && !/^;(?=$|[ \t\n\r])/.test(left)) {
      if (/^\\;(?=$|[ \t\n\r])/.test(left)) {
        argv.push(';');
        left = left.slice(2).replace(/^[ \t\n\r]+/, '');
        continue;
      }
      const next = firstWord(left, 'refuse');
      if (next === undefined) return undefined;
      if (next.word !== undefined) argv.push(next.word.text);
      left = next.rest;
    }
    commands.push({ signs, argv });
    left = left.replace(/^;[ \t\n\r]*/, '');
  }
  return commands;
}
