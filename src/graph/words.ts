/** One simple command of a shell's text. */
export interface SimpleCommand {
  /** Without redirections; quotes are taken off. */
  readonly words: readonly string[];
  /** Nothing in it is for the shell to fill in (`$X`, `*`, a command in backticks): the words are what is run. */
  readonly plain: boolean;
  /** Where a `cd` before it leads, as it is written. */
  readonly cd?: string;
}

interface Word {
  readonly text: string;
  readonly plain: boolean;
}

type Token = Word | { readonly operator: string };

/** What stands before a command and is none. */
const KEYWORDS = new Set(['if', 'then', 'else', 'elif', 'while', 'until', 'do', 'time', '!', '{']);

/**
 * The simple commands in the text of a shell, as far as they can be told without running it: what is behind `;`, `&&`, `|`
 * and the like is a command of its own. Never throws: what is never closed ends with the text.
 */
export function commandsIn(text: string): SimpleCommand[] {
  const commands: SimpleCommand[] = [];
  let cd: string | undefined;
  let words: Word[] = [];
  const end = (operator: string) => {
    const [first, target] = words;
    if (first?.text === 'cd' && words.length === 2 && target?.plain && operator !== '|' && operator !== '&') {
      cd = cd === undefined || target.text.startsWith('/') ? target.text : `${cd}/${target.text}`;
    } else if (words.length > 0) {
      const plain = words.every((word) => word.plain);
      commands.push({ words: words.map((word) => word.text), plain, ...(cd === undefined ? {} : { cd }) });
    }
    words = [];
  };
  for (const token of tokens(text)) {
    if ('operator' in token) end(token.operator);
    else if (words.length > 0 || !KEYWORDS.has(token.text)) words.push(token);
  }
  end('');
  return commands;
}

/** The one command that a text comes down to: `exec x`, `cd /opt && A=1 x >log`; undefined where it does more than that. */
export function onlyCommand(text: string): SimpleCommand | undefined {
  if (known.has(text)) return known.get(text);
  const read = readOnly(text);
  if (known.size >= REMEMBERED) known.clear();
  known.set(text, read);
  return read;
}

/** A thousand services have one text between them, and it is long: what it comes down to is remembered. */
const known = new Map<string, SimpleCommand | undefined>();
const REMEMBERED = 200;

function readOnly(text: string): SimpleCommand | undefined {
  if (tokens(text).some((token) => 'text' in token && KEYWORDS.has(token.text))) return undefined;
  const [command, ...more] = commandsIn(text);
  return command !== undefined && more.length === 0 ? command : undefined;
}

/** What stands behind the shell's own words before a command: `exec`, `command`, assignments. */
export function withoutPrefix(words: readonly string[]): readonly string[] {
  let at = 0;
  while (/^[A-Za-z_]\w*=/.test(words[at] ?? '')) at += 1;
  while (words[at] === 'exec' || words[at] === 'command') {
    at += 1;
    // `exec -a NAME`, `exec -c`, `exec -l`.
    while (words[at]?.startsWith('-')) at += words[at] === '-a' ? 2 : 1;
  }
  return words.slice(at);
}

/** The words of a text that is split at blanks alone, but for quotes, as by Python's shlex.split. */
export function quotedWords(text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    const blank = /^\s+/.exec(text.slice(at))?.[0].length ?? 0;
    at += blank;
    if (at >= text.length) break;
    const { length, text: word } = wordAt(text, at, /\s/);
    words.push(word);
    at += length;
  }
  return words;
}

const OPERATORS = /^(?:&&|\|\||;;|\|&|[;&|()\n])/;
const REDIRECTION = /^(?:\d*(?:>>|>&|<&|<<-|<<<|<<|<>|>\||>|<)|&>>|&>)/;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  // What is behind a redirection is a file.
  let file = false;
  while (at < text.length) {
    const rest = text.slice(at);
    const blank = /^(?:[ \t]|\\\n)+/.exec(rest);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    if (rest.startsWith('#')) {
      const line = rest.indexOf('\n');
      if (line === -1) break;
      at += line;
      continue;
    }
    const redirection = REDIRECTION.exec(rest);
    if (redirection !== null) {
      at += redirection[0].length;
      file = true;
      continue;
    }
    const operator = OPERATORS.exec(rest);
    if (operator !== null) {
      at += operator[0].length;
      found.push({ operator: operator[0] });
      continue;
    }
    const { length, ...word } = wordAt(text, at);
    at += length;
    if (file) file = false;
    else found.push(word);
  }
  return found;
}

/** A word from here on, up to a blank or an operator. Of at least one character. */
function wordAt(text: string, begin: number, ends = /[\s;&|()<>]/): Word & { readonly length: number } {
  let [at, word, plain] = [begin, '', true];
  while (at < text.length) {
    const char = text.charAt(at);
    if (ends.test(char)) break;
    if (char === '\\') {
      word += text.charAt(at + 1);
      at += 2;
    } else if (char === "'") {
      const close = endOf(text, "'", at + 1);
      word += text.slice(at + 1, close);
      at = close + 1;
    } else if (char === '"') {
      at += 1;
      while (at < text.length && text.charAt(at) !== '"') {
        const inner = text.charAt(at);
        if (inner === '$' || inner === '`') plain = false;
        if (inner === '\\' && /["\\$`\n]/.test(text.charAt(at + 1))) at += 1;
        word += text.charAt(at);
        at += 1;
      }
      at += 1;
    } else {
      if (/[$`*?[{]/.test(char) || (char === '~' && word === '')) plain = false;
      word += char;
      at += 1;
    }
  }
  return { text: word, plain, length: Math.max(1, at - begin) };
}

function endOf(text: string, quote: string, from: number): number {
  const at = text.indexOf(quote, from);
  return at === -1 ? text.length : at;
}
