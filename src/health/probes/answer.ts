import type { Json } from '../../canonical.ts';
import { READ, readJsonPath, readPattern } from '../../patterns.ts';
import { maskText, SECRET_KEY } from '../../secrets.ts';
import type { HttpTarget, ProgressTarget } from '../health.ts';

/** Looks at a text; why it is not as it should be, or undefined. */
export type Check = (text: string) => string | undefined;

/** What an answer has to hold. Loads what reads it; undefined where the status alone counts. */
export async function checkOf({ body, json }: HttpTarget): Promise<Check | undefined> {
  const checks: Check[] = [];
  if (body !== undefined) {
    const pattern = await readPattern(body);
    checks.push((text) => (pattern.isIn(text) ? undefined : unlike(body, 'its answer', text)));
  }
  if (json !== undefined) {
    const path = await readJsonPath(json.path);
    checks.push((text) => {
      const value = parsed(text, 'its answer');
      if ('failure' in value) return value.failure;
      return judge(json, path.first(value.json));
    });
  }
  if (checks.length === 0) return undefined;
  return (text) => {
    for (const check of checks) {
      const failure = check(text);
      if (failure !== undefined) return failure;
    }
    return undefined;
  };
}

function judge({ path, equals }: NonNullable<HttpTarget['json']>, value: Json | undefined): string | undefined {
  if (value === undefined) return `there is no ${path} in its answer`;
  if (equals !== undefined)
    return value === equals ? undefined : `${path} is ${shown(value, path)}, not ${shown(equals, path)}`;
  return value === false || value === null ? `${path} is ${value}` : undefined;
}

/** Reads the number that has to advance; or tells why there is none. */
export async function numberOf({ from, json, regex }: ProgressTarget): Promise<(text: string) => number | string> {
  const what = WHAT[from.kind];
  if (regex !== undefined) {
    const pattern = await readPattern(regex);
    return (text) => {
      const found = pattern.last(text);
      return found === undefined ? unlike(regex, what, text) : asNumber(found.trim(), regex);
    };
  }
  const name = json ?? '$';
  const path = await readJsonPath(name);
  return (text) => {
    const value = parsed(text, what);
    if ('failure' in value) return value.failure;
    const found = path.first(value.json);
    if (found === undefined) return `there is no ${name} in ${what}`;
    return typeof found === 'number' || typeof found === 'string'
      ? asNumber(found, name)
      : `${name} is no number: ${shown(found, name)}`;
  };
}

function asNumber(found: string | number, from: string): number | string {
  const number = found === '' ? Number.NaN : Number(found);
  return Number.isFinite(number) ? number : `what ${quoted(from)} finds is no number: ${shown(found, from)}`;
}

function parsed(text: string, what: string): { readonly json: Json } | { readonly failure: string } {
  try {
    return { json: JSON.parse(text) as Json };
  } catch {
    const long = Buffer.byteLength(text) >= READ ? 'is longer than 64KiB' : beginning(text);
    return { failure: `${what} is no JSON: it ${long}` };
  }
}

/** What is read. */
const WHAT = { http: 'its answer', exec: 'its output', file: 'the file' } as const;

function unlike(pattern: string, what: string, text: string): string {
  return `nothing in ${what} matches ${quoted(pattern)}: it ${beginning(text)}`;
}

/** How much of what was found is told: it may be long, and it comes from outside. */
const SHOWN = 60;

function shown(value: Json, from: string): string {
  return SECRET_KEY.test(from) ? '***' : cut(maskText(JSON.stringify(value)));
}

function quoted(pattern: string): string {
  return `\`${cut(pattern)}\``;
}

function beginning(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  if (line === '') return 'is empty';
  // Where a key looks secret its value stands beside it.
  if (SECRET_KEY.test(line)) return 'begins otherwise';
  return `begins ${JSON.stringify(cut(maskText(line.replace(/[\p{Cc}\p{Cf}]+/gu, ' '))))}`;
}

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}
