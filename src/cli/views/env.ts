import type { Json } from '../../canonical.ts';
import type { Environment, Origin, Variable } from '../../environment.ts';
import { unreachable } from '../../problem.ts';
import type { Style } from '../style.ts';
import { wrapped } from './plan-changes.ts';
import { printable } from './printable.ts';
import { rowsText } from './rows.ts';

interface Options {
  readonly style: Style;
  readonly width: number;
}

/** A line for each variable: its value, and who says so; below it what is another at the next start. */
export function environmentText(environment: Environment, { style, width }: Options): string {
  const { id, isDeclared, pid, variables, unreadable, files } = environment;
  const notes = [
    ...(isDeclared ? [] : ['it is not in the desired state: what its next start would have is not known']),
    ...(unreadable === null
      ? []
      : [`the environment of pid ${pid} can't be read: ${unreadable}; what is declared is shown`]),
    ...files.flatMap(({ path, unreadable: reason }) =>
      reason === null ? [] : [`${path} can't be read: ${reason}; what it says is not known`],
    ),
  ];
  const rows = variables.map((variable) => ({
    ...{ name: variable.name, value: shownOf(variable), from: originText(variable.from), note: noteOf(variable) },
  }));
  const lines = [
    `${style.bold(id)}  ${pid === null ? 'does not run' : `pid ${pid}`}`,
    ...notes.flatMap((note) => wrapped(printable(note), width)).map((text) => style.yellow(text)),
    ...(rows.length === 0 ? [] : rowsText(['name', 'value', 'from'], rows, { style, width })),
  ];
  return `${lines.join('\n')}\n`;
}

/** The same for programs. */
export function environmentJson({ id, isDeclared, pid, unreadable, files, variables }: Environment): Json {
  return {
    service: id,
    declared: isDeclared,
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
  return running ?? (state === 'missing' ? '-' : declared) ?? '-';
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
      return from.path;
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
