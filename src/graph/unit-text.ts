/** A line of a unit file or drop-in. */
export interface Directive {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly path: string;
  /** That it begins on, from 1. */
  readonly line: number;
}

/** The directives of unit files, in order; lines that end in a backslash go on (systemd.syntax(7)). */
export function directivesIn(path: string, text: string): Directive[] {
  const found: Directive[] = [];
  let [section, joined, begin] = ['', '', 0];
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) {
      // Comments may stand between the lines of a value, an empty line ends it.
      if (line !== '' || joined === '') continue;
    }
    if (joined === '') begin = i + 1;
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = joined + line;
    joined = '';
    const header = /^\[(.+)\]$/.exec(whole)?.[1];
    if (header !== undefined) section = header;
    const [, key, value] = /^([A-Za-z]+)\s*=\s*(.*)$/s.exec(whole) ?? [];
    if (header === undefined && key !== undefined && value !== undefined)
      found.push({ section, key, value: value.trimEnd(), path, line: begin });
  }
  return found;
}

/** All values of a key; an empty one takes back those before it. */
export function valuesOf(directives: readonly Directive[], section: string, key: RegExp): readonly Directive[] {
  const found: Directive[] = [];
  for (const directive of directives) {
    if (directive.section !== section || !key.test(directive.key)) continue;
    if (directive.value !== '') found.push(directive);
    else for (let i = found.length - 1; i >= 0; i -= 1) if (found[i]?.key === directive.key) found.splice(i, 1);
  }
  return found;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  s: ' ',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** The words of a value as systemd splits it: quotes and escapes are taken off. */
export function wordsOf(value: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === '\\' && at + 1 < value.length) {
      const hex = /^x([0-9a-fA-F]{2})/.exec(value.slice(at + 1, at + 4))?.[1];
      const next = value.charAt(at + 1);
      word =
        (word ?? '') + (hex === undefined ? (ESCAPES[next] ?? next) : String.fromCharCode(Number.parseInt(hex, 16)));
      at += hex === undefined ? 1 : 3;
    } else if (quote !== '' ? char === quote : char === '"' || char === "'") {
      quote = quote === '' ? char : '';
      word ??= '';
    } else if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** What a specifier such as `%i` stands for in a unit of that name; others are left as they are. */
export function withSpecifiers(text: string, unit: string): string {
  const [, prefix = '', instance = ''] = /^([^@]*)(?:@(.*))?\.[a-z]+$/.exec(unit) ?? [];
  const known: Readonly<Record<string, string>> = {
    '%': '%',
    i: instance,
    I: instance.replaceAll('-', '/'),
    n: unit,
    N: unit.replace(/\.[a-z]+$/, ''),
    p: prefix,
  };
  return text.replace(/%(.)/g, (all, letter: string) => known[letter] ?? all);
}

/** The command lines of an Exec directive, with variables of the unit's own in place. */
export function commandLinesOf(
  value: string,
  unit: string,
  environment: ReadonlyMap<string, string>,
): readonly (readonly string[])[] {
  const lines: string[][] = [[]];
  for (const word of wordsOf(value)) {
    // Between commands; a `;` that is meant was written with a backslash, and is rare.
    if (word === ';') lines.push([]);
    else lines.at(-1)?.push(word);
  }
  return lines.flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    const [, signs = '', program = ''] = /^([-@:+!|]*)(.*)$/s.exec(first) ?? [];
    // After an @ the next word is only what it calls itself.
    const words = [program, ...(signs.includes('@') ? rest.slice(1) : rest)];
    return [words.flatMap((word) => withVariables(withSpecifiers(word, unit), environment))];
  });
}

function withVariables(word: string, environment: ReadonlyMap<string, string>): readonly string[] {
  const whole = /^\$([A-Za-z_]\w*)$/.exec(word)?.[1];
  const value = whole === undefined ? undefined : environment.get(whole);
  if (value !== undefined) return value.split(/\s+/).filter((part) => part !== '');
  return [
    word
      .replace(/(?<!\$)\$\{([A-Za-z_]\w*)\}/g, (all, name: string) => environment.get(name) ?? all)
      .replaceAll('$$', '$'),
  ];
}
