/** What a name in `%(name)s` stands for; undefined where supervisord knows none of that name. */
export type Variables = (name: string) => string | number | undefined;

export type Expansion =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly because: string };

/** What stands behind `%` or `%(name)`: flags, width, precision, a length that means nothing, and the sign. */
const CONVERSION = /([-+ #0]*)([0-9]*)(?:\.([0-9]*))?[hlL]?(.?)/suy;

/** What is told in place of all variables at once. */
const ALL = '{...}';

/**
 * A text with its variables in place, as Python's `text % variables` makes it (supervisor.options: expand). A `%` of its own
 * is written `%%`. A lone `%s` stands for all variables at once, which is hardly what anybody wants: `{...}` is told there.
 */
export function expand(text: string, variables: Variables): Expansion {
  let done = '';
  /** A conversion without a name takes all variables, once, unless one with a name came before. */
  let whole = true;
  for (let at = 0; ; ) {
    const sign = text.indexOf('%', at);
    if (sign === -1) return { kind: 'text', text: done + text.slice(at) };
    done += text.slice(at, sign);
    at = sign + 1;
    let value: string | number | undefined;
    if (text[at] === '(') {
      const end = closing(text, at);
      if (end === -1) return refused('`%(` is never closed');
      const name = text.slice(at + 1, end);
      value = variables(name);
      if (value === undefined) return refused(`it knows nothing of the name ${name}`);
      whole = false;
      at = end + 1;
    }
    CONVERSION.lastIndex = at;
    const [all = '', flags = '', width = '', precision, type = ''] = CONVERSION.exec(text) ?? [];
    at += all.length;
    if (type === '%') {
      done += '%';
      continue;
    }
    const shown =
      value === undefined ? (whole ? every(type, precision) : undefined) : format(value, type, flags, precision);
    if (shown === undefined)
      return refused(`\`${text.slice(sign, at)}\` means nothing there; a % of its own is written %%`);
    whole = false;
    done += pad(shown, type, flags, Number(width));
  }
}

function refused(because: string): Expansion {
  return { kind: 'refused', because };
}

/** Where a name ends; parentheses within it count. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

function every(type: string, precision: string | undefined): string | undefined {
  return type !== '' && 'sra'.includes(type) ? cut(ALL, precision) : undefined;
}

function format(value: string | number, type: string, flags: string, precision: string | undefined) {
  if (type === 's') return cut(String(value), precision);
  if (type === 'r' || type === 'a') return cut(typeof value === 'number' ? String(value) : quoted(value), precision);
  if (typeof value === 'number') return number(value, type, flags, precision);
  return type === 'c' && [...value].length === 1 ? value : undefined;
}

function cut(text: string, precision: string | undefined): string {
  return precision === undefined ? text : [...text].slice(0, Number(precision)).join('');
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return (
    quote +
    text
      .replaceAll('\\', '\\\\')
      .replaceAll(quote, () => `\\${quote}`)
      .replaceAll('\n', '\\n') +
    quote
  );
}

/** Of `process_num` and `numprocs`, which alone are numbers. */
function number(value: number, type: string, flags: string, precision: string | undefined): string | undefined {
  if (type === 'c') return value >= 0 && value <= 0x10ffff ? String.fromCodePoint(value) : undefined;
  const base = { d: 10, i: 10, u: 10, x: 16, X: 16, o: 8 }[type];
  if (base === undefined) return undefined;
  const digits = Math.abs(value)
    .toString(base)
    .padStart(Number(precision ?? 0), '0');
  const prefix = flags.includes('#') && base !== 10 ? `0${type}` : '';
  const sign = value < 0 ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  return `${sign}${prefix}${type === 'X' ? digits.toUpperCase() : digits}`;
}

function pad(shown: string, type: string, flags: string, width: number): string {
  const missing = width - [...shown].length;
  if (missing <= 0) return shown;
  if (flags.includes('-')) return shown + ' '.repeat(missing);
  if (!flags.includes('0') || !'diuxXo'.includes(type)) return ' '.repeat(missing) + shown;
  const head = /^[-+ ]?(0[xXo])?/.exec(shown)?.[0] ?? '';
  return head + '0'.repeat(missing) + shown.slice(head.length);
}
