/** What Python, which supervisord is written in, thinks of texts and numbers, where JavaScript thinks otherwise. */

const WIDE = new Set(
  '\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
);

/** str.isspace of the character there. */
export function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13) || code >= 28;
  return code >= 0x85 && WIDE.has(text.charAt(at));
}

/** Where the first character is that is no space; the length where all are. */
export function indentOf(text: string): number {
  let at = 0;
  while (at < text.length && isSpace(text, at)) at += 1;
  return at;
}

export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text, end - 1)) end -= 1;
  return text.slice(0, end);
}

export function strip(text: string): string {
  return stripEnd(text.slice(indentOf(text)));
}

/** str.split without arguments. */
export function words(text: string): string[] {
  const all: string[] = [];
  let word = '';
  for (let at = 0; at <= text.length; at += 1) {
    if (at < text.length && !isSpace(text, at)) word += text.charAt(at);
    else if (word !== '') {
      all.push(word);
      word = '';
    }
  }
  return all;
}

/** int(text): signs, underscores between digits and white space around are fine. */
export function integer(text: string): number | undefined {
  const bare = strip(text);
  return /^[+-]?[0-9]+(_[0-9]+)*$/.test(bare) ? Number(bare.replaceAll('_', '')) : undefined;
}

/** int(text, 8): 022, 0o22 and 22 are one number. */
export function octal(text: string): number | undefined {
  const [, sign, digits] = /^([+-]?)(?:0[oO]_?)?([0-7]+(?:_[0-7]+)*)$/.exec(strip(text)) ?? [];
  if (digits === undefined) return undefined;
  const value = Number.parseInt(digits.replaceAll('_', ''), 8);
  return sign === '-' ? -value : value;
}

/** By code points, as Python sorts: JavaScript puts what is beyond U+FFFF before U+E000. */
export function compare(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}

/** os.path.dirname */
export function folderOf(path: string): string {
  const head = path.slice(0, path.lastIndexOf('/') + 1);
  return /^\/*$/.test(head) ? head : head.replace(/\/+$/, '');
}
