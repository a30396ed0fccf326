import type { Position } from '../../problem.ts';
import { SECRET_KEY } from '../../secrets.ts';
import { indentOf, isSpace, strip, stripEnd } from './python.ts';

/** A file that was read. */
export interface Source {
  readonly path: string;
  readonly lines: readonly string[];
}

export interface Option {
  readonly name: string;
  readonly value: string;
  readonly source: Source;
  /** Of the line that it begins on, from 1. */
  readonly line: number;
}

export interface Section {
  readonly name: string;
  /** Where its header stands first: later ones of the same name add to it. */
  readonly source: Source;
  readonly line: number;
  readonly options: Map<string, Option>;
}

/** An option that is said once more later on: nobody ever sees this one. */
export interface Overwritten {
  readonly section: string;
  readonly option: Option;
  readonly by: Option;
}

/** A line that Python's parser refuses, and the whole configuration with it. */
export interface BadLine {
  readonly source: Source;
  readonly line: number;
  readonly because: string;
}

/** An option whose value goes on: its lines are joined when the file is at its end. */
interface Draft extends Option {
  value: string;
  readonly more: string[];
}

export function sourceOf(path: string, text: string): Source {
  return { path, lines: text.split(/\r\n|\r|\n/) };
}

/**
 * Files as Python's configparser.RawConfigParser(inline_comment_prefixes=(';', '#'), strict=False) takes them, one on top of
 * the other, which is what supervisord reads its configuration with (supervisor.options: UnhosedConfigParser).
 */
export class Ini {
  readonly sections = new Map<string, Section>();
  /** Of [DEFAULT]: every section has these where it does not say otherwise. */
  readonly defaults = new Map<string, Option>();
  readonly overwritten: Overwritten[] = [];
  /** Where `%(here)s` may still stand: of a thousand files, each adds a section or two. */
  readonly #fresh = new Set<Section>();
  #freshDefaults = false;

  add(source: Source): readonly BadLine[] {
    const bad: BadLine[] = [];
    const drafts: Draft[] = [];
    let options: Map<string, Option> | undefined;
    let section = '';
    let draft: Draft | undefined;
    let indent = 0;
    for (const [i, text] of source.lines.entries()) {
      const line = i + 1;
      const comment = commentIn(text);
      const value = strip(comment === undefined ? text : text.slice(0, comment));
      if (value === '') {
        // Part of a value that goes on behind it, but not where a comment stands.
        if (comment === undefined) draft?.more.push('');
        continue;
      }
      const depth = indentOf(text);
      if (draft !== undefined && depth > indent) {
        draft.more.push(value);
        continue;
      }
      indent = depth;
      // Greedy: what stands behind the last bracket is nobody's concern.
      const close = value.startsWith('[') ? value.lastIndexOf(']') : -1;
      if (close > 1) {
        section = value.slice(1, close);
        options = this.#open(section, source, line);
        draft = undefined;
        continue;
      }
      if (options === undefined) {
        // It reads no further.
        bad.push({ source, line, because: `it stands before any [section]${text.startsWith('\ufeff') ? BOM : ''}` });
        break;
      }
      const delimiter = value.search(/[=:]/);
      if (delimiter < 1) {
        bad.push({ source, line, because: delimiter === 0 ? 'it has no name before its value' : 'it has no `=`' });
        continue;
      }
      const name = stripEnd(value.slice(0, delimiter)).toLowerCase();
      draft = { name, value: strip(value.slice(delimiter + 1)), source, line, more: [] };
      drafts.push(draft);
      const before = options.get(name);
      if (before !== undefined) this.overwritten.push({ section, option: before, by: draft });
      options.set(name, draft);
    }
    for (const each of drafts) if (each.more.length > 0) each.value = stripEnd([each.value, ...each.more].join('\n'));
    return bad;
  }

  #open(name: string, source: Source, line: number): Map<string, Option> {
    const known = this.sections.get(name);
    if (known === undefined && name === 'DEFAULT') {
      this.#freshDefaults = true;
      return this.defaults;
    }
    const section = known ?? { name, source, line, options: new Map<string, Option>() };
    this.sections.set(name, section);
    this.#fresh.add(section);
    return section.options;
  }

  option(section: Section, name: string): Option | undefined {
    return section.options.get(name) ?? this.defaults.get(name);
  }

  /** All that a section has, defaults too. */
  optionsOf(section: Section): ReadonlyMap<string, Option> {
    return this.defaults.size === 0 ? section.options : new Map([...this.defaults, ...section.options]);
  }

  /**
   * Puts a folder for `%(here)s` wherever that still stands: supervisord does so after each file, and so it is the folder of
   * the file that it stands in, where nothing else intervenes. Inherited defaults become the section's own by it.
   */
  expandHere(folder: string): void {
    for (const section of this.#freshDefaults ? this.sections.values() : this.#fresh) {
      for (const option of this.optionsOf(section).values()) {
        if (!option.value.includes(HERE)) continue;
        section.options.set(option.name, { ...option, value: option.value.replaceAll(HERE, () => folder) });
      }
    }
    this.#fresh.clear();
    this.#freshDefaults = false;
  }
}

const HERE = '%(here)s';

const BOM = ': the file begins with a byte order mark, which is not seen in editors';

/**
 * Where a comment begins: at a sign `;` or `#` at the start or behind white space, also within quotes. Python looks for the
 * next of each sign in turns, and stops at the turn that finds one: `a;b ;c #d` has its comment at the #.
 */
function commentIn(line: string): number | undefined {
  const next = new Map<string, number>([';', '#'].flatMap((sign) => (line.includes(sign) ? [[sign, -1]] : [])));
  if (next.size === 0) return undefined;
  const first = line.charAt(indentOf(line));
  if (first === ';' || first === '#') return 0;
  let start: number | undefined;
  while (start === undefined && next.size > 0) {
    for (const [sign, before] of next) {
      const at = line.indexOf(sign, before + 1);
      if (at === -1) {
        next.delete(sign);
        continue;
      }
      next.set(sign, at);
      if (at === 0 || isSpace(line, at - 1)) start = Math.min(start ?? at, at);
    }
  }
  return start;
}

/** Where something stands, to be shown; values that may be secret are not. */
export function positionOf({ source, line }: Pick<Option, 'source' | 'line'>, name?: string): Position {
  const text = source.lines[line - 1] ?? '';
  const begin = indentOf(text);
  const secret =
    /^\s*environment\s*[=:]/i.test(text) || (name !== undefined && (name === 'environment' || SECRET_KEY.test(name)));
  const excerpt = secret ? text.replace(/[=:].*$/s, '=***') : text.replace(PAIR, maskPair);
  const length = Math.max(1, strip(excerpt).length);
  return { file: source.path, line, column: begin + 1, length, excerpt };
}

/** Variables in a line that goes on, and options that stand where none belongs. */
const PAIR = /([A-Za-z_][\w.-]*)(\s*[=:]\s*)("[^"]*"?|'[^']*'?|[^,\s]+)/g;

function maskPair(all: string, name: string, equals: string): string {
  return SECRET_KEY.test(name) ? `${name}${equals}***` : all;
}
