/**
 * How texts are written in a program section so that they arrive byte for byte. supervisord reads a file line by line,
 * strips each, cuts it off at `;` or `#` after white space, joins the lines of a value, replaces `%(here)s` by its folder
 * wherever that stands, even in `%%(here)s`, and only then expands what begins with `%`. An expansion to nothing keeps
 * apart what must not touch. Every rule here was proven on the real parser; what `whyNotCarried` objects to has no way in.
 */

/** Expands to nothing wherever anything is expanded. */
const NOTHING = '%(here).0s';

/** A carriage return would be read as a line feed; this is expanded to one where NUMBER is written as well. */
const RETURN = '%(process_num)c';
/** Makes RETURN so: the number of the only process of a section. */
export const RETURN_LINE = ['numprocs_start', '13'] as const;

/** What Python calls white space, and somewhat more. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const BLANK = /[\s\x1c-\x1f\x85]/;
const CUT = new RegExp(`(?<=${BLANK.source})(?=[;#])`, 'g');
const EDGES = new RegExp(`^(?=${BLANK.source})|(?<=${BLANK.source})$`, 'g');
/** The text as a value that supervisord expands once. */
export function expanded(text: string): string {
  // Nearly all are plain.
  if (/^[A-Za-z0-9_@=:,./+' "()\\-]*$/.test(text) && !/^ | $/.test(text)) return text;
  return text
    .replace(/%(\(here\)s)?/g, (_, here) => (here === undefined ? '%%' : `%%${NOTHING}${here}`))
    .replaceAll('\r', RETURN)
    .split('\n')
    .map((line, i) => {
      const apart = line.replace(CUT, NOTHING).replace(EDGES, NOTHING);
      // A further line must not be empty, nor a comment.
      return i > 0 && /^([;#]|$)/.test(apart) ? `${NOTHING}${apart}` : apart;
    })
    .join('\n ');
}

/** The same of a path of a log, which is expanded twice. */
export function expandedTwice(text: string): string {
  return expanded(text).replaceAll('%', '%%');
}

/** Does a value hold what needs RETURN_LINE? */
export function holdsReturn(value: string): boolean {
  return value.includes(RETURN);
}

/** One argument of command=, which is split as a shell would (Python's shlex.split). */
export function quoteArgument(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

/**
 * One assignment of environment=, which has a parser of its own: quotes are stripped from both ends of a value, of either
 * kind and any number, and nothing stands for a quote within. Undefined for a value that it can't hold.
 */
export function assignment(key: string, value: string): string | undefined {
  if (/^["']|["']$/.test(value)) return undefined;
  if (!value.includes('"')) return `${key}="${value}"`;
  return value.includes("'") ? undefined : `${key}='${value}'`;
}

/** What keeps a text from being written at all, in words that follow the name of a field. */
export function whyNotCarried(text: string): string | undefined {
  if (text.includes('\0')) return 'holds a zero byte';
  return text.isWellFormed() ? undefined : 'holds a code point that is no character';
}
