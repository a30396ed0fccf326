import type { Json } from './canonical.ts';
import type { FileChange } from './model.ts';

/** Keys whose values are shown as `***` in plans, logs, errors and status; documented in docs/desired-state.md. */
export const SECRET_KEY =
  /pass(word|wd|phrase)?|secret|token|credential|private[_-]?key|api[_-]?key|access[_-]?key|auth|cookie/i;
const MASK = '***';

/** Masks the password and secret-looking query values of URLs in a text: `https://u:p@h/?token=x`. */
export function maskText(text: string): string {
  // Of all that is told nearly nothing has any.
  if (!text.includes('://') && !text.includes('=')) return text;
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, `$1:${MASK}@`)
    .replace(/([?&]([^=&\s]*)=)([^&\s]+)/g, (all, head: string, key: string) =>
      SECRET_KEY.test(key) ? `${head}${MASK}` : all,
    );
}

/** What a person says of his doing, as it may be shown: on one line, of some length, secrets of URLs masked. */
export function saidText(text: string): string {
  return maskText(text.replace(/[\p{Cc}\p{Z}]+/gu, ' ').trim()).slice(0, LONGEST);
}

const LONGEST = 500;

/** The value of a field as it may be shown. `field` is the dotted path (`environment.DB_PASSWORD`). */
export function maskField(field: string, value: Json | undefined): Json | undefined {
  if (value === undefined) return undefined;
  const key = field.slice(field.lastIndexOf('.') + 1);
  if (field.startsWith('environment.') && SECRET_KEY.test(key)) return MASK;
  return maskValue(value);
}

/** The arguments of a command as they may be shown. */
export function maskWords(words: readonly string[]): readonly string[] {
  return maskValue(words) as readonly string[];
}

/** Masks texts within a value, and arguments of the forms `--password=x` and `--password x`. */
function maskValue(value: Json): Json {
  if (typeof value === 'string') return maskText(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    return value.map((item, i) => {
      const before = value[i - 1];
      if (typeof item !== 'string') return maskValue(item as Json);
      if (typeof before === 'string' && /^--?[a-z]/i.test(before) && !before.includes('=') && SECRET_KEY.test(before)) {
        return item.startsWith('-') ? maskText(item) : MASK;
      }
      const match = /^(-{0,2}([A-Za-z0-9_-]+)=)./s.exec(item);
      return match && SECRET_KEY.test(match[2] ?? '') ? `${match[1]}${MASK}` : maskText(item);
    });
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'headers' ? maskHeaders(item as Json) : maskValue(item as Json),
    ]),
  );
}

/** Of a request: `Authorization`, `Cookie`, `X-Api-Key`. */
function maskHeaders(headers: Json): Json {
  if (headers === null || typeof headers !== 'object' || Array.isArray(headers)) return maskValue(headers);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, SECRET_KEY.test(name) ? MASK : maskValue(value as Json)]),
  );
}

/** A line of a YAML or JSON file as it may be shown: the value of a secret-looking key masked. */
export function maskLine(line: string): string {
  const match = /^(\s*(?:-\s*)?["']?([A-Za-z0-9_.-]+)["']?\s*:\s*)(\S.*)$/.exec(line);
  if (match && SECRET_KEY.test(match[2] ?? '')) return `${match[1]}${MASK}`;
  return maskText(line);
}

/** Where our own lines begin in a file of the host: a stamp and digests, for us and not for people. */
const OURS = '\n[X-Reconciled]\n';

/** A file of the host as it may be shown: without our own lines, and with the values of secret-looking keys masked. */
export function maskFile(change: FileChange): FileChange {
  const { path, from, to } = change;
  return {
    path,
    ...(from === undefined ? {} : { from: maskDirectives(from) }),
    ...(to === undefined ? {} : { to: maskDirectives(to) }),
  };
}

function maskDirectives(text: string): string {
  const end = text.indexOf(OURS);
  return (end === -1 ? text : text.slice(0, end)).split('\n').map(maskDirective).join('\n');
}

/** A line `Directive=item "item" ...`, of systemd's or supervisord's: its items as the arguments of a command. */
function maskDirective(line: string): string {
  const begin = line.indexOf('=') + 1;
  const words = [...line.slice(begin).matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)];
  const quoted = words.map(([word]) => partsOf(word));
  const values = quoted.map(([, value]) => value);
  const shown = maskValue(values) as readonly string[];
  let text = line.slice(0, begin);
  let done = begin;
  words.forEach(({ 0: word, index }, i) => {
    const [open, , close] = quoted[i] ?? ['', '', ''];
    text += line.slice(done, begin + index) + open + (shown[i] ?? '') + close;
    done = begin + index + word.length;
  });
  return text + line.slice(done);
}

/** A word without its quotes, which may never be closed. */
function partsOf(word: string): readonly [open: string, value: string, close: string] {
  if (!word.startsWith('"')) return ['', word, ''];
  const isClosed = word.length > 1 && word.endsWith('"');
  return ['"', word.slice(1, isClosed ? -1 : undefined), isClosed ? '"' : ''];
}
