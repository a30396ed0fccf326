import type { Entry } from '../../journal/entry.ts';
import type { Notice, Outcome, Step } from '../../model.ts';
import { formatDuration } from '../../units.ts';
import { PLAIN, type Style } from '../style.ts';
import { effectText, reasonLines } from './plan.ts';
import { wrapped } from './plan-changes.ts';
import { noticeWords } from './plan-notices.ts';
import { printable } from './printable.ts';

interface Options {
  readonly style: Style;
  readonly width: number;
  /** They are all about one service: its name need not be said. */
  readonly alone?: boolean;
}

const CLOCK = '16:40:01  ';

/**
 * What happened, oldest first, a line each: when (UTC), to what, what, and why. What belongs to a run stands below it,
 * whatever came between.
 */
export function historyText(entries: readonly Entry[], { style, width, alone = false }: Options): string {
  const lines: string[] = [];
  let day = '';
  const shown = togetherByRun(entries.filter(isShown(entries)));
  const column = alone ? 0 : widestService(shown.map(({ service = '' }) => service));
  for (const entry of shown) {
    const today = new Date(entry.at).toISOString().slice(0, 10);
    if (today !== day) {
      day = today;
      if (lines.length > 0) lines.push('');
      lines.push(style.dim(`${day} UTC`));
    }
    lines.push(...entryLines(entry, { style, width, column }));
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** How wide the column of their names is. */
export function widestService(names: readonly string[]): number {
  return Math.min(28, Math.max(0, ...names.map((name) => name.length)));
}

/** One entry; `column` is how wide names are, 0 where they are not said. */
export function entryLines(
  entry: Entry,
  { style, width, column }: { readonly style: Style; readonly width: number; readonly column: number },
): readonly string[] {
  const time = new Date(entry.at).toISOString();
  const indent = entry.run === undefined || entry.kind === 'planned' ? '' : '  ';
  const name = column === 0 || entry.service === undefined ? '' : `${entry.service.padEnd(column)}  `;
  const mark = markOf(entry, style);
  const from = CLOCK.length + indent.length;
  const [first = '', ...more] = wordsOf(entry).flatMap((line) => wrapped(printable(line), width - from - name.length));
  return [
    `${style.dim(time.slice(11, 19))}  ${indent}${name === '' ? '' : style.bold(name)}${mark(first)}`.trimEnd(),
    ...more.map((line) => `${' '.repeat(from + name.length)}${mark(line)}`),
  ];
}

/** A step that has ended needs no line that says it began. */
function isShown(entries: readonly Entry[]): (entry: Entry) => boolean {
  const ended = new Set(entries.filter(({ kind }) => kind === 'step-ended').map(stepOf));
  return (entry) => entry.kind !== 'step-started' || !ended.has(stepOf(entry));
}

const stepOf = ({ run, data }: Entry) => `${run} ${(data as { step?: { id?: string } } | null)?.step?.id}`;

/** Where a run begins, all that is of it follows. */
function togetherByRun(entries: readonly Entry[]): readonly Entry[] {
  const runs = Map.groupBy(entries, ({ run }) => run);
  const done = new Set<string>();
  return entries.flatMap((entry) => {
    if (entry.run === undefined) return [entry];
    if (done.has(entry.run)) return [];
    done.add(entry.run);
    return runs.get(entry.run) ?? [];
  });
}

/** What is known of a kind is said as elsewhere; of any other, as it was told when it was recorded. */
function wordsOf(entry: Entry): readonly string[] {
  const { kind, text, run, revision, data } = entry;
  try {
    switch (kind) {
      case 'planned':
        return [`run ${run}  ${text}${revision === undefined ? '' : `; ${revision}`}`];
      case 'step': {
        const step = data as unknown as Step;
        const why = reasonLines(step, Number.POSITIVE_INFINITY, PLAIN).map((line) => line.trim());
        return [[`to do: ${effectText(step)}`, ...why].join('; ')];
      }
      case 'step-started':
        return [text.replace('...', ' begun')];
      case 'step-ended':
        return [`${text}${outcomeText((data as unknown as { readonly outcome: Outcome }).outcome)}`];
      case 'notice': {
        const { what, why } = noticeWords(data as unknown as Notice);
        return [`${what}: ${why}`];
      }
      default:
        return text.split('\n');
    }
  } catch {
    // Another version recorded it otherwise.
    return text.split('\n');
  }
}

function outcomeText(outcome: Outcome): string {
  if (outcome.kind !== 'done') return '';
  const { pid, gap } = outcome;
  return [
    ...(pid === undefined ? [] : [`, pid ${pid}`]),
    ...(gap === undefined
      ? []
      : [`, ${formatDuration(gap.process)} without a process, ${formatDuration(gap.ready)} until ready`]),
  ].join('');
}

function markOf({ kind, level }: Entry, style: Style): (text: string) => string {
  if (level === 'error') return style.red;
  if (level === 'warn') return style.yellow;
  return kind === 'planned' ? style.bold : (text) => text;
}
