import stringWidth from 'fast-string-width';
import type { Json } from '../../canonical.ts';
import type { Environment, Origin, Variable } from '../../environment.ts';
import { unreachable } from '../../problem.ts';
import type { Style } from '../style.ts';
import { wrapped } from './plan-changes.ts';
import { printable } from './printable.ts';

interface Options {
  readonly style: Style;
  readonly width: number;
}

const GAP = '  ';
const INDENT = '    ';
/** Longer values are cut in the table; --json has them whole. */
const NARROWEST = 20;

/** A line for each variable: its value, and who says so; below it what is another at the next start. */
export function environmentText(environment: Environment, { style, width }: Options): string {
  const { id, pid, variables, unreadable, files } = environment;
  const notes = [
    ...(unreadable === null
      ? []
      : [`the environment of pid ${pid} can't be read: ${unreadable}; what is declared is shown`]),
    ...files.flatMap(({ path, unreadable: reason }) =>
      reason === null ? [] : [`${path} can't be read: ${reason}; what it says is not known`],
    ),
  ];
  const rows = variables.map((variable) => [variable.name, shownOf(variable), originText(variable.from)] as const);
  const names = Math.max(4, ...rows.map(([name]) => stringWidth(name)));
  const origins = Math.max(4, ...rows.map(([, , origin]) => stringWidth(origin)));
  const room = Math.max(NARROWEST, width - names - origins - 2 * GAP.length);
  const values = Math.min(room, Math.max(5, ...rows.map(([, value]) => stringWidth(value))));
  const line = (name: string, value: string, origin: string) =>
    `${pad(name, names)}${GAP}${pad(cut(value, values), values)}${GAP}${origin}`.trimEnd();
  const lines = [
    `${style.bold(id)}  ${pid === null ? 'does not run' : `pid ${pid}`}`,
    ...notes.flatMap((note) => wrapped(printable(note), width)).map((text) => style.yellow(text)),
    ...(rows.length === 0 ? [] : [style.dim(line('name', 'value', 'from'))]),
  ];
  rows.forEach(([name, value, origin], i) => {
    lines.push(line(name, value, origin));
    const note = noteOf(variables[i] as Variable);
    if (note !== undefined)
      for (const text of wrapped(printable(note), width - INDENT.length)) lines.push(style.yellow(INDENT + text));
  });
  return `${lines.join('\n')}\n`;
}

/** The same for programs. */
export function environmentJson({ id, pid, unreadable, files, variables }: Environment): Json {
  return {
    service: id,
    pid,
    unreadable,
    files: files.map(({ path, unreadable: reason }) => ({ path, unreadable: reason })),
    variables: variables.map(({ name, from, declared, running, state }) => ({
      ...{ name, from: originJson(from), declared, running, state },
    })),
  };
}

/** What the process has; where there is none, or it can't be looked at, what it would have. */
function shownOf({ running, declared, state }: Variable): string {
  return printable(running ?? (state === 'missing' ? '-' : declared) ?? '-');
}

function noteOf({ state, declared, running }: Variable): string | undefined {
  switch (state) {
    case 'differs':
      return declared === running
        ? 'another value from its next start on (neither is shown)'
        : `from its next start on: ${declared}`;
    case 'missing':
      return `not there; from its next start on: ${declared}`;
    case 'extra':
      return 'not declared';
    default:
      return undefined;
  }
}

function originText(from: Origin): string {
  switch (from.kind) {
    case 'base':
      return 'base';
    case 'environment':
      return from.at === undefined ? 'environment' : `${from.at.file}:${from.at.line}:${from.at.column}`;
    case 'file':
      return printable(from.path);
    case 'mark':
      return 'reconcile';
    case 'supervisor':
      return from.name;
    case 'other':
      return '-';
    default:
      return unreachable(from);
  }
}

function originJson(from: Origin): Json {
  if (from.kind !== 'environment' || from.at === undefined) return { ...from } as Json;
  const { file, line, column } = from.at;
  return { kind: from.kind, file, line, column };
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let short = text.slice(0, width - 1);
  while (stringWidth(short) > width - 1) short = short.slice(0, -1);
  return `${short}…`;
}
