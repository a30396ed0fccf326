/**
 * Unit files as systemd 252 reads them, written down from its manual pages and its behaviour and knowing nothing of our
 * writer: what goes in must come out of here. The system test asks the real one.
 */

export interface Directive {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** Lines end at \n, \r or both; a backslash at the end joins the next line; sections of the form X-… are skipped. */
export function directives(text: string): Directive[] {
  const found: Directive[] = [];
  let section = '';
  let joined = '';
  for (const raw of text.split(/\r\n|\n|\r/)) {
    if (joined === '' && /^[ \t]*[#;]/.test(raw)) continue;
    const line = joined + raw;
    if (/(^|[^\\])(\\\\)*\\$/.test(line)) {
      joined = `${line.slice(0, -1)} `;
      continue;
    }
    joined = '';
    const stripped = line.replace(/^[ \t]+|[ \t]+$/g, '');
    if (stripped === '') continue;
    if (stripped.startsWith('[')) {
      if (!stripped.endsWith(']')) throw new Error(`no section: ${stripped}`);
      section = stripped.slice(1, -1);
      continue;
    }
    if (section.startsWith('X-')) continue;
    const at = stripped.indexOf('=');
    if (at < 1) throw new Error(`no assignment: ${stripped}`);
    const part = (value: string) => value.replace(/^[ \t]+|[ \t]+$/g, '');
    found.push({ section, key: part(stripped.slice(0, at)), value: part(stripped.slice(at + 1)) });
  }
  return found;
}

/** Words of a value: quotes anywhere, C escapes, white space between. A lone `;` separates commands and is refused. */
export function words(value: string): string[] {
  const found: string[] = [];
  let i = 0;
  while (i < value.length) {
    if (/[ \t]/.test(value[i] ?? '')) {
      i += 1;
      continue;
    }
    if (/^;([ \t]|$)/.test(value.slice(i))) throw new Error('a second command');
    let word = '';
    let quote = '';
    for (; i < value.length; i += 1) {
      const char = value[i] ?? '';
      if (char === '\\') {
        const [text, length] = unescaped(value.slice(i));
        word += text;
        i += length - 1;
      } else if (quote !== '') {
        if (char === quote) quote = '';
        else word += char;
      } else if (char === '"' || char === "'") quote = char;
      else if (/[ \t]/.test(char)) break;
      else word += char;
    }
    if (quote !== '') throw new Error('an open quote');
    found.push(word);
  }
  return found;
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function unescaped(text: string): readonly [text: string, length: number] {
  const simple = SIMPLE[text[1] ?? ''];
  if (simple !== undefined) return [simple, 2];
  const hex = /^\\x([0-9a-f]{2})/.exec(text);
  if (hex === null || Number.parseInt(hex[1] ?? '', 16) > 0x7f) throw new Error(`no escape: ${text.slice(0, 4)}`);
  return [String.fromCharCode(Number.parseInt(hex[1] ?? '', 16)), 4];
}

/** `%%` is a percent sign and `%i` the instance; whoever writes another one meant none. */
export function specifiers(text: string, instance = ''): string {
  return text.replace(/%(.?)/gs, (all, char: string) => {
    if (char === '%') return '%';
    if (char === 'i') return instance;
    throw new Error(`a specifier: ${all}`);
  });
}

/** The arguments of a command line, its first included; variables are refused. */
export function commandLine(value: string): string[] {
  return words(value).map((word, i) => {
    const argument = specifiers(word);
    // The path itself is never expanded, but argv[0] is.
    if (i === 0) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
      if (/[$\\"'\x00-\x1f\x7f]/.test(argument) || /^[-@:+!|]/.test(argument)) throw new Error(`no path: ${argument}`);
      return argument;
    }
    return argument.replace(/\$(.?)/gs, (all, char: string) => {
      if (char === '$') return '$';
      throw new Error(`a variable: ${all}`);
    });
  });
}

/** The files that glob(3) finds for a pattern without wildcards. */
export function unglobbed(pattern: string): string {
  if (/(^|[^\\])(\\\\)*[*?[]/.test(pattern)) throw new Error(`a pattern: ${pattern}`);
  return pattern.replace(/\\(.)/gs, '$1');
}
