import type { Json } from './canonical.ts';

/** Keys whose values are shown as `***` in plans, logs, errors and status; documented in docs/desired-state.md. */
export const SECRET_KEY = /pass(word|wd|phrase)?|secret|token|credential|private_?key|api_?key|access_?key|auth/i;
const MASK = '***';

/** Masks the password and secret-looking query values of URLs in a text: `https://u:p@h/?token=x`. */
export function maskText(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, `$1:${MASK}@`)
    .replace(/([?&]([^=&\s]*)=)([^&\s]+)/g, (all, head: string, key: string) =>
      SECRET_KEY.test(key) ? `${head}${MASK}` : all,
    );
}

/** The value of a field as it may be shown. `field` is the dotted path (`environment.DB_PASSWORD`). */
export function maskField(field: string, value: Json | undefined): Json | undefined {
  if (value === undefined) return undefined;
  const key = field.slice(field.lastIndexOf('.') + 1);
  if (field.startsWith('environment.') && SECRET_KEY.test(key)) return MASK;
  return maskValue(value);
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
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskValue(item as Json)]));
}

/** A line of a YAML or JSON file as it may be shown: the value of a secret-looking key masked. */
export function maskLine(line: string): string {
  const match = /^(\s*(?:-\s*)?["']?([A-Za-z0-9_.-]+)["']?\s*:\s*)(\S.*)$/.exec(line);
  if (match && SECRET_KEY.test(match[2] ?? '')) return `${match[1]}${MASK}`;
  return maskText(line);
}
