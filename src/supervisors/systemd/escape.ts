/**
 * How texts are written in unit files so that they arrive byte for byte, see systemd.syntax(7). Every rule here was
 * proven on a real manager; a text that `whyNotCarried` objects to has no way in.
 */

/** The longest line systemd reads is 1 MiB. */
export const LONGEST_LINE = 1_000_000;

/** One argument of a command line. `$` would be a variable there, and only there. */
export function quoteArgument(text: string): string {
  return `"${inside(text).replaceAll('$', '$$$$')}"`;
}

/** One `KEY=VALUE` of Environment=. */
export function quoteAssignment(key: string, value: string): string {
  return `"${inside(`${key}=${value}`)}"`;
}

/** One word of a list of them, such as of paths. */
export function quoteWord(text: string): string {
  return `"${inside(text)}"`;
}

/** A value that is taken as it stands but for its specifiers: paths, descriptions. One line. */
export function plain(text: string): string {
  // A last backslash would continue the line; a space behind it is stripped with the rest of the line's end.
  return specifiers(text) + (/\\$/.test(text) ? ' ' : '');
}

/** A path that systemd takes for a pattern: EnvironmentFile=. */
export function plainPattern(path: string): string {
  return specifiers(path.replace(/[*?[\]\\]/g, '\\$&'));
}

/** What keeps a text from being written in a unit file at all, in words that follow the name of a field. */
export function whyNotCarried(text: string): string | undefined {
  if (text.includes('\0')) return 'holds a zero byte';
  // systemd drops such a value as invalid UTF-8, or takes it and can't tell of it over D-Bus any more.
  if (/[\p{Surrogate}\p{Noncharacter_Code_Point}]/u.test(text)) return 'holds a code point that is no character';
  return undefined;
}

/** The same of a value that is not quoted, such as a path. */
export function whyNotPlain(text: string): string | undefined {
  if (/[\n\r]/.test(text)) return 'holds a line break';
  if (/[ \t]$/.test(text)) return 'ends in white space';
  return whyNotCarried(text);
}

/** Specifiers such as `%n` are replaced in nearly every value. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '%': '%%', '\n': '\\n', '\t': '\\t' };

/** The inside of a text in double quotes. */
function inside(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
  return text.replace(/[\\"%\x01-\x1f\x7f]/g, (char) => {
    return NAMED[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
