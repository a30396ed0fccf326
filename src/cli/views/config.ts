import type { Json } from '../../canonical.ts';
import { unreachable } from '../../problem.ts';
import type { Said, Sayer } from '../../said.ts';
import type { Style } from '../style.ts';
import { rowsText } from './rows.ts';

/** What is in effect, under a title each. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Said[];
}

/** `folder`: where one stands; what is below it is told from there. */
export function configText(
  sections: readonly Section[],
  { style, width, folder }: { readonly style: Style; readonly width: number; readonly folder: string },
): string {
  return sections
    .map(({ title, rows }) => {
      const lines = rows.map(({ field, value, from }) => ({
        ...{ name: field, value: textOf(value), from: sayerText(from, folder), isDim: from.kind === 'default' },
      }));
      return `${[style.bold(title), ...rowsText(['field', 'value', 'from'], lines, { style, width })].join('\n')}\n`;
    })
    .join('\n');
}

/** The same for programs: by field. */
export function saidJson(rows: readonly Said[]): Json {
  return Object.fromEntries(rows.map(({ field, value, from }) => [field, { value, from: { ...from } as Json }]));
}

/** As it would be written: a text without quotes, a list as YAML has it on one line. */
function textOf(value: Json): string {
  if (value === null) return '-';
  if (typeof value === 'string') return value;
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && /^[^\s,[\]{}"'#:]+$/.test(item))
    ? `[${value.join(', ')}]`
    : JSON.stringify(value);
}

function sayerText(from: Sayer, folder: string): string {
  switch (from.kind) {
    case 'flag':
    case 'variable':
      return from.name;
    case 'file':
      return `${from.file.replace(`${folder}/`, '')}:${from.line}:${from.column}`;
    case 'default':
      return from.why === undefined ? 'default' : `default: ${from.why}`;
    default:
      return unreachable(from);
  }
}
