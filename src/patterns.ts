/**
 * Regular expressions and JSON paths that people write into the desired state. Whatever they write, a try takes a bounded
 * time: a daemon must not hang on it. Each language is loaded only where something is written in it.
 */
import type { Json } from './canonical.ts';

/** How much of a text is looked at: 64 KiB. */
export const READ = 65_536;

/** Is no pattern, and why; `hint` is what would be right. */
export class BadPattern extends Error {
  /** `bounds`: it is well written, but too much. */
  readonly kind: 'syntax' | 'bounds';
  readonly hint: string;
  constructor(kind: BadPattern['kind'], message: string, hint: string) {
    super(message);
    this.name = 'BadPattern';
    this.kind = kind;
    this.hint = hint;
  }
}

export interface Pattern {
  isIn(text: string): boolean;
  /** The first group of the last match, or the whole of it where there is no group; undefined where there is none. */
  last(text: string): string | undefined;
}

/**
 * Steps of a compiled expression: the time for a text is at most the product of both, and with twice as many a second
 * would pass over 64 KiB on a slow machine.
 */
const STEPS = 200;

/** Where the last match is looked for first: what is written at the end of a log is wanted, of which much may match. */
const TAIL = 4096;

/** Throws `BadPattern`. RE2 syntax: without look-around and backreferences, in time linear in the text. */
export async function readPattern(source: string): Promise<Pattern> {
  const { RE2JS, RE2JSException } = await import('re2js');
  let compiled: InstanceType<typeof RE2JS>;
  try {
    compiled = RE2JS.compile(source);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new BadPattern('syntax', error.message.replace(/^error parsing regexp: /, ''), hintOf(source));
  }
  if (compiled.programSize() > STEPS) {
    const hint = 'leave out what need not be there, such as counts in braces: `{1,99}` stands for 99 copies';
    throw new BadPattern('bounds', `it is too large: ${compiled.programSize()} steps, and ${STEPS} may be`, hint);
  }
  const group = Math.min(1, compiled.groupCount());
  const lastFrom = (text: string, start: number) => {
    const matcher = compiled.matcher(text);
    let found: string | undefined;
    for (let is = matcher.find(start); is; is = matcher.find()) found = matcher.group(group) ?? '';
    return found;
  };
  return {
    isIn: (text) => compiled.matcher(text).find(),
    last(text) {
      const line = text.length > TAIL ? text.indexOf('\n', text.length - TAIL) + 1 : 0;
      return (line > 0 ? lastFrom(text, line) : undefined) ?? lastFrom(text, 0);
    },
  };
}

function hintOf(source: string): string {
  if (/\(\?<?[=!]/.test(source))
    return 'RE2 syntax has no look-around: match what is around it too, and put the rest in ( )';
  if (/\\[1-9]/.test(source)) return 'RE2 syntax has no backreferences: write the text out';
  return 'for example `scan (\\d+) processed`; put \\ before a character that is meant as it is';
}

/** How deep `..` goes: the time for it grows with the square of that. */
const DEEPEST = 200;

export interface JsonPath {
  /** The first value that it leads to; undefined where there is none. Throws where `..` meets what is nested deeper than 200. */
  first(value: Json): Json | undefined;
}

/** Throws `BadPattern`. RFC 9535, without what takes more than one pass over a value. */
export async function readJsonPath(source: string): Promise<JsonPath> {
  const { JSONPathEnvironment, JSONPathError, jsonpath } = await import('json-p3');
  const environment = new JSONPathEnvironment({ maxRecursionDepth: DEEPEST });
  for (const name of ['match', 'search']) environment.functionRegister.delete(name);
  const { segments } = environment.compile('$.a');
  const Child = segments[0]?.constructor;
  try {
    const query = environment.compile(source);
    const refused = refusedIn(query.segments, (part) => {
      if (part instanceof jsonpath.expressions.RootQuery) return 'has `$` within a filter';
      if (!(part instanceof jsonpath.JSONPathSegment)) return undefined;
      if (part.selectors.length > 1) return 'has several selectors in one pair of brackets';
      return part.constructor === Child ? undefined : '..';
    });
    if (refused !== undefined) {
      throw new BadPattern(
        'bounds',
        `it ${refused}`,
        'one value is wanted: name the way to it, such as $.checks[?@.name == "db"].state',
      );
    }
    return { first: (value) => query.match(value as never)?.value as Json | undefined };
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    throw new BadPattern(
      'syntax',
      wordsOf(error.message, source),
      'for example $.scan.processed, $.checks[0].state or $["a key"]',
    );
  }
}

/** `expected '.', found 'c' ('$.a.b c':6)`: without the path, which is shown anyway. */
function wordsOf(message: string, source: string): string {
  if (/\b(match|search)\b/.test(message)) return 'match() and search() are not known here';
  const index = /^(.*) \(.*:(\d+)\)$/s.exec(message);
  return index === null ? message : `${index[1]}, at character ${Math.min(Number(index[2]) + 1, source.length)}`;
}

/** The first thing that is not taken, of all parts of a path; more than one `..` is not. */
function refusedIn(root: unknown, judge: (part: object) => string | undefined): string | undefined {
  let descents = 0;
  const walk = (part: unknown): string | undefined => {
    if (typeof part !== 'object' || part === null) return undefined;
    const said = judge(part);
    if (said === '..') descents += 1;
    else if (said !== undefined) return said;
    if (descents > 1) return 'has `..` more than once';
    for (const [key, inner] of Object.entries(part)) {
      const found = key === 'environment' || key === 'token' ? undefined : walk(inner);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(root);
}
