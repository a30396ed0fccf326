import type { RawLine } from './source.ts';
import type { UnitLine } from './text.ts';

/** The lines of a unit, of which each is carried once: by a word of ours, or as it stands. */
export class Lines {
  readonly #left: (UnitLine | undefined)[];
  /** Lines that stand for others, by the place of the first of those. */
  readonly #instead = new Map<number, RawLine[]>();
  readonly #first: RawLine[] = [];

  constructor(lines: readonly UnitLine[]) {
    this.#left = [...lines];
  }

  /** Those of these directives (`Service.User`) that nothing has been made of yet, in their order. */
  of(...names: readonly string[]): readonly UnitLine[] {
    return this.#left.filter(
      (line) => line !== undefined && names.includes(`${line.section}.${line.key}`),
    ) as UnitLine[];
  }

  /** What counts of a directive that lists: an empty value takes back those before it. */
  list(name: string): readonly UnitLine[] {
    const all = this.of(name);
    return all.slice(all.findLastIndex(({ value }) => value === '') + 1);
  }

  /** A word says it: these are not carried besides. */
  take(...names: readonly string[]): void {
    this.replace(names, []);
  }

  /** These lines in place of all those, where the first of them stands. */
  replace(names: readonly string[], lines: readonly RawLine[]): void {
    const indexes = this.#left.flatMap((line, i) =>
      line !== undefined && names.includes(`${line.section}.${line.key}`) ? [i] : [],
    );
    for (const i of indexes) this.#left[i] = undefined;
    const [at] = indexes;
    if (at === undefined) this.first(...lines);
    else this.#instead.set(at, [...(this.#instead.get(at) ?? []), ...lines]);
  }

  /** Lines before all that are carried. */
  first(...lines: readonly RawLine[]): void {
    this.#first.push(...lines);
  }

  /** What goes to `raw.systemd`, with the line that each was made of where it is one. */
  *raw(): Generator<{ readonly line: RawLine; readonly of?: UnitLine }> {
    for (const line of this.#first) yield { line };
    for (const [i, line] of this.#left.entries()) {
      for (const instead of this.#instead.get(i) ?? []) yield { line: instead };
      if (line !== undefined) yield { line: [line.section, line.key, line.value], of: line };
    }
  }
}
