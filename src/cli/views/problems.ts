import stringWidth from 'fast-string-width';
import type { Json } from '../../canonical.ts';
import type { Position, Problem } from '../../problem.ts';
import type { Style } from '../style.ts';

/** The widest part of a line that is shown. */
const WIDE = 160;

/** Problems for people: the place, what is wrong, the line with a caret, and what would be right. */
export function problemsText(problems: readonly Problem[], style: Style): string {
  return problems.map((problem) => problemText(problem, style)).join('\n');
}

/** The same for programs. */
export function problemsJson(problems: readonly Problem[]): Json {
  return {
    problems: problems.map(({ code, summary, at, file, field, detail, hint }) => ({
      code,
      summary,
      file: at?.file ?? file ?? null,
      line: at?.line ?? null,
      column: at?.column ?? null,
      length: at?.length ?? null,
      excerpt: at?.excerpt ?? null,
      field: field ?? null,
      detail: detail ?? null,
      hint: hint ?? null,
    })),
  };
}

function problemText({ summary, at, file, detail, hint }: Problem, style: Style): string {
  const place = at ? `${at.file}:${at.line}:${at.column}` : file;
  const head = `${place === undefined ? '' : `${style.bold(visible(place))}: `}${style.red(visible(summary))}`;
  const lines = [head, ...(at ? excerptLines(at, style) : [])];
  for (const text of [detail, hint]) {
    if (text !== undefined) lines.push(...text.split('\n').map((line) => `  ${visible(line)}`));
  }
  return `${lines.join('\n')}\n`;
}

function excerptLines({ line, column, length, excerpt }: Position, style: Style): string[] {
  if (column > excerpt.length + 1) return [];
  const cut = column + length > WIDE ? Math.max(0, column - WIDE / 2) : 0;
  const shown = visible(excerpt.slice(cut, cut + WIDE));
  const before = shown.slice(0, column - 1 - cut);
  const marked = shown.slice(before.length, before.length + length);
  const number = String(line);
  const space = before
    .split('\t')
    .map((part) => ' '.repeat(stringWidth(part)))
    .join('\t');
  return [
    `  ${style.dim(`${number} |`)} ${cut > 0 ? '…' : ''}${shown}`,
    `  ${style.dim(`${' '.repeat(number.length)} |`)} ${cut > 0 ? ' ' : ''}${space}${style.red('^'.repeat(Math.max(1, stringWidth(marked))))}`,
  ];
}

/** A file may hold what a terminal would obey: control characters but tabs are replaced. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
