import type { ServiceId } from '../../model.ts';
import type { Style } from '../style.ts';
import { printable } from './printable.ts';

/** A line of a log: a character for each byte of it, and when it was written (ms since the epoch), where that is known. */
export interface ShownLine {
  readonly text: string;
  readonly at: number | undefined;
}

export interface LineOptions {
  readonly style: Style;
  readonly colours: boolean;
  /** It goes to a terminal, which would obey what it holds. */
  readonly terminal: boolean;
  /** Begin each line with its service. */
  readonly prefix: boolean;
  readonly times: boolean;
  readonly json: boolean;
}

export interface LineView {
  /** Of its texts: what is not changed is passed on byte by byte. */
  readonly encoding: 'utf8' | 'latin1';
  /** The services, as far as they are known: names are aligned, and each has a colour of its own. */
  know(services: readonly ServiceId[]): void;
  text(service: ServiceId, stream: 'stdout' | 'stderr' | 'both', lines: readonly ShownLine[]): string;
}

/** Lines of logs for people, or as JSON, one value a line. */
export function lineView(options: LineOptions): LineView {
  const names = new Names(options);
  const view = (text: LineView['text'], encoding: LineView['encoding']): LineView => ({
    encoding,
    know: (services) => names.know(services),
    text,
  });
  if (options.json) return view(jsonLines, 'utf8');
  const { terminal, times, colours } = options;
  const shown = terminal ? (text: string) => harmless(decoded(text), colours) : (text: string) => text;
  return view(
    (service, stream, lines) => {
      const head = options.prefix ? names.of(service, stream) : '';
      let all = '';
      for (const { text, at } of lines) all += `${head}${times ? `${timeText(at)} ` : ''}${shown(text)}\n`;
      return all;
    },
    terminal ? 'utf8' : 'latin1',
  );
}

function jsonLines(service: ServiceId, stream: 'stdout' | 'stderr' | 'both', lines: readonly ShownLine[]): string {
  let all = '';
  for (const { text, at } of lines) {
    const time = at === undefined ? null : new Date(at).toISOString();
    all += `${JSON.stringify({ service, stream: stream === 'both' ? null : stream, time, line: decoded(text) })}\n`;
  }
  return all;
}

const NO_TIME = '-'.padEnd('2026-11-24T16:40:00.123Z'.length);

function timeText(at: number | undefined): string {
  return at === undefined ? NO_TIME : new Date(at).toISOString();
}

/** The text that bytes stand for. */
export function decoded(bytes: string): string {
  return /^[\0-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** What programs colour their lines with (select graphic rendition): nothing that hides text (8), or blinks. */
const PARAMETER = '(?:0|1|2|3|4|7|22|23|24|27|39|49|[349][0-7]|10[0-7]|[34]8;5;\\d{1,3}|[34]8;2(?:;\\d{1,3}){3})';
const COLOUR = new RegExp(`\u001b\\[(?:${PARAMETER}(?:;${PARAMETER})*)?m`, 'g');

/** Without anything that a terminal would obey but colours, and those only where there are any. */
function harmless(line: string, colours: boolean): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (/^[\t -~]*$/.test(text)) return text;
  const marks = text.match(COLOUR);
  const parts = text.split(COLOUR).map((part) => part.split('\t').map(printable).join('\t'));
  if (marks === null || !colours) return parts.join('');
  return `${parts.map((part, i) => part + (marks[i] ?? '')).join('')}\u001b[0m`;
}

/** More than this of a name pushes lines apart. */
const WIDEST = 40;

/** Names at the begin of lines: as wide as the widest, and each in its colour for as long as it is shown. */
class Names {
  readonly #options: LineOptions;
  readonly #heads = new Map<string, string>();
  readonly #colours = new Map<ServiceId, number>();
  #width = 0;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  know(services: readonly ServiceId[]): void {
    const widest = Math.min(WIDEST, Math.max(this.#width, ...services.map((id) => id.length)));
    if (widest !== this.#width) this.#heads.clear();
    this.#width = widest;
    for (const id of [...services].sort()) this.#colourOf(id);
  }

  of(service: ServiceId, stream: 'stdout' | 'stderr' | 'both'): string {
    const key = `${service} ${stream}`;
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    const { style } = this.#options;
    const paints = paintsOf(style);
    const paint = paints[this.#colourOf(service)] ?? style.cyan;
    const mark = stream === 'stderr' ? style.red('!') : style.dim('|');
    const head = `${paint(service.padEnd(this.#width))} ${mark} `;
    this.#heads.set(key, head);
    return head;
  }

  /** By its name, so that it is the same each time, unless another has that. */
  #colourOf(service: ServiceId): number {
    const known = this.#colours.get(service);
    if (known !== undefined) return known;
    const taken = new Set(this.#colours.values());
    let hash = 0;
    for (const char of service) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 65_521;
    // Bold ones where all others are taken.
    const all = Array.from({ length: 2 * PLAIN }, (_, i) => ((hash + i) % PLAIN) + (i < PLAIN ? 0 : PLAIN));
    const colour = all.find((one) => !taken.has(one)) ?? hash % (2 * PLAIN);
    this.#colours.set(service, colour);
    return colour;
  }
}

/** Red is for what goes wrong. */
function paintsOf(style: Style): readonly ((text: string) => string)[] {
  const plain = [style.cyan, style.green, style.yellow, style.blue, style.magenta];
  return [...plain, ...plain.map((paint) => (text: string) => style.bold(paint(text)))];
}

/** How many there are that are not bold. */
const PLAIN = 5;
