import type { Json } from '../canonical.ts';
import { yaml } from '../desired/yaml.ts';

/** How a file is written, for what is new in it. */
export interface Form {
  /** What ends a line. */
  readonly eol: string;
  /** It is JSON: no plain words, no comments. */
  readonly json: boolean;
}

/** How texts are quoted that need not be. */
export type Quotes = 'plain' | 'single' | 'double';

/** Wider lists are written item by item. */
const WIDEST = 100;

/** A value on one line, as it may stand anywhere. */
export function inline(value: Json, form: Form, quotes: Quotes = 'plain'): string {
  if (form.json) return jsonInline(value);
  if (typeof value === 'string') return scalar(value, quotes);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => inline(item as Json, form)).join(', ')}]`;
  const pairs = Object.entries(value).map(([key, item]) => pair(key, item as Json, form));
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

/** A key and its value on one line. */
export function pair(key: string, value: Json, form: Form): string {
  return `${keyText(key, form)}: ${inline(value, form)}`;
}

/** A key and its value in lines of their own, from a column on; without the first line's indent and the last line's end. */
export function block(key: string, value: Json, column: number, form: Form): string {
  const below = ' '.repeat(column + 2);
  const head = keyText(key, form);
  if (isTree(value) && Object.keys(value).length > 0) {
    const items = Object.entries(value).map(([k, v]) => block(k, v as Json, column + 2, form));
    return [`${head}:`, ...items.map((item) => below + item)].join(form.eol);
  }
  const line = pair(key, value, form);
  const holdsMore = Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null);
  const isLong = Array.isArray(value) && value.length > 0 && column + line.length > WIDEST;
  if (!holdsMore && !isLong) return line;
  const items = (value as readonly Json[]).map((item) => `${below}- ${inline(item, form)}`);
  return [`${head}:`, ...items].join(form.eol);
}

function keyText(key: string, form: Form): string {
  return form.json ? JSON.stringify(key) : scalar(key, 'plain');
}

function isTree(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function jsonInline(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item) => jsonInline(item as Json)).join(', ')}]`;
  if (!isTree(value)) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonInline(item)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

function scalar(text: string, quotes: Quotes): string {
  if (quotes === 'single' && !/[\n\r\p{Cc}\u0085\u2028\u2029\ufeff]/u.test(text))
    return `'${text.replaceAll("'", "''")}'`;
  if (quotes === 'plain' && isPlain(text)) return text;
  return quoted(text);
}

/** What others take for a line break or no text at all is written by its number. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Letters that mean nothing anywhere in YAML; a colon, a hash or a dash only where they can't begin anything. */
const PLAIN = /^[\p{L}\p{N}_./~+%^$;()=-](?:[\p{L}\p{N}_./~+%^$;()=@*&!<>|?'-]|:(?=[^\s:])| (?=[^\s#:]))*$/u;
/** Truth values to older parsers. */
const OLD = /^(y|n|yes|no|on|off)$/i;

function isPlain(text: string): boolean {
  if (!PLAIN.test(text) || /^(?:[-~=]|---|\.\.\.)(?:\s|$)/.test(text) || OLD.test(text)) return false;
  const { parseDocument } = yaml();
  const document = parseDocument(`[${text}]`, { version: '1.2', schema: 'core', logLevel: 'error' });
  const value: unknown = document.errors.length > 0 ? undefined : document.toJS();
  return Array.isArray(value) && value.length === 1 && value[0] === text;
}
