import type { ServiceId } from '../model.ts';

/** One thing that is read: a file or a unit's part of the journal. */
export interface Source {
  readonly id: ServiceId;
  /** `both`: it is not told apart. */
  readonly stream: 'stdout' | 'stderr' | 'both';
  /** A path, or `journal:UNIT`. */
  readonly name: string;
}

export interface Line {
  /** As it was written, without its line end: a character for each byte, so that nothing is changed on the way. */
  readonly text: string;
  /** When it was written (ms since the epoch), where that is known. */
  readonly at: number | undefined;
}

export type Emit = (source: Source, lines: readonly Line[]) => void;

/** Of a longer line so many bytes are kept. */
const LONGEST = 1 << 20;

/** Takes lines apart as their bytes come in. */
export class Lines {
  #rest = '';
  /** Bytes of the line at the end that were not kept. */
  #left = 0;
  /** What will have no end. */
  #cut: string[] = [];

  /** The lines that are whole now. */
  push(bytes: string): string[] {
    if (this.#cut.length === 0) return this.#push(bytes);
    const cut = this.#cut;
    this.#cut = [];
    return [...cut, ...this.#push(bytes)];
  }

  /** What comes next is not the end of the line that was begun. */
  cut(): void {
    this.#cut.push(...this.#end());
  }

  /** What is there of a line that has no end. */
  end(): string[] {
    const cut = this.#cut;
    this.#cut = [];
    return [...cut, ...this.#end()];
  }

  #push(bytes: string): string[] {
    // Where an earlier part was cut out of a file, it begins with zeros.
    const from = this.#rest === '' && bytes.charCodeAt(0) === 0 ? bytes.search(/[^\0]/) : 0;
    if (from === -1) return [];
    const lines = (from === 0 ? bytes : bytes.slice(from)).split('\n');
    const last = lines.pop() ?? '';
    if (lines.length > 0) {
      lines[0] = this.#whole(lines[0] ?? '');
      this.#rest = '';
    }
    this.#rest += last;
    if (this.#rest.length > LONGEST) {
      this.#left += this.#rest.length - LONGEST;
      this.#rest = this.#rest.slice(0, LONGEST);
    }
    return lines;
  }

  #end(): string[] {
    if (this.#rest === '') return [];
    const whole = this.#whole('');
    this.#rest = '';
    return [whole];
  }

  #whole(end: string): string {
    const whole = this.#rest + end;
    const left = this.#left + Math.max(0, whole.length - LONGEST);
    this.#left = 0;
    return left === 0 ? whole : `${whole.slice(0, LONGEST)} [... ${left} more bytes]`;
  }
}
