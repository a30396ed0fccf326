import stringWidth from 'fast-string-width';
import type { Style } from '../style.ts';
import { wrapped } from './plan-changes.ts';
import { printable } from './printable.ts';

/** A value by its name, where it comes from, and what else there is to say of it, below. */
export interface Row {
  readonly name: string;
  readonly value: string;
  readonly from: string;
  readonly note?: string | undefined;
  /** Nobody has said it. */
  readonly isDim?: boolean;
}

const GAP = '  ';
const INDENT = '    ';
/** The column of values is at least so wide. */
const NARROWEST = 20;

/** A table of values; behind one that is too long for its column what it is from stands below. */
export function rowsText(
  titles: readonly [name: string, value: string, from: string],
  rows: readonly Row[],
  { style, width }: { readonly style: Style; readonly width: number },
): readonly string[] {
  const shown = rows.map((row) => ({
    ...row,
    name: printable(row.name),
    value: printable(row.value),
    from: printable(row.from),
  }));
  const widest = (title: string, texts: readonly string[]) =>
    Math.max(...[title, ...texts].map((text) => stringWidth(text)));
  const names = widest(
    titles[0],
    shown.map(({ name }) => name),
  );
  const origins = widest(
    titles[2],
    shown.map(({ from }) => from),
  );
  const room = Math.max(NARROWEST, width - names - origins - 2 * GAP.length);
  const values = Math.min(
    room,
    widest(
      titles[1],
      shown.map(({ value }) => value),
    ),
  );
  const line = (name: string, value: string, from: string) => {
    const first = `${pad(name, names)}${GAP}${pad(value, values)}`;
    const isLong = stringWidth(value) > values;
    return isLong
      ? [first, `${' '.repeat(names + values + 2 * GAP.length)}${from}`]
      : [`${first}${GAP}${from}`.trimEnd()];
  };
  return [
    ...line(...titles).map(style.dim),
    ...shown.flatMap(({ name, value, from, note, isDim = false }) => [
      ...line(name, value, from).map((text) => (isDim ? style.dim(text) : text)),
      ...(note === undefined
        ? []
        : wrapped(printable(note), width - INDENT.length).map((text) => style.yellow(INDENT + text))),
    ]),
  ];
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
