import { styleText } from 'node:util';

/** How a view marks its words; views never know whether colour is on. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly magenta: (text: string) => string;
}

const as = (format: Parameters<typeof styleText>[0]) => (text: string) =>
  styleText(format, text, { validateStream: false });

export const PLAIN: Style = {
  bold: (t) => t,
  dim: (t) => t,
  red: (t) => t,
  green: (t) => t,
  yellow: (t) => t,
  cyan: (t) => t,
  blue: (t) => t,
  magenta: (t) => t,
};

export const COLOUR: Style = {
  bold: as('bold'),
  dim: as('dim'),
  red: as('red'),
  green: as('green'),
  yellow: as('yellow'),
  cyan: as('cyan'),
  blue: as('blue'),
  magenta: as('magenta'),
};

/** Colour where the stream is a terminal and NO_COLOR (https://no-color.org) is not set; FORCE_COLOR forces it. */
export function styleFor(stream: NodeJS.WriteStream): Style {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return PLAIN;
  return (FORCE_COLOR !== undefined && FORCE_COLOR !== '0') || stream.isTTY ? COLOUR : PLAIN;
}
