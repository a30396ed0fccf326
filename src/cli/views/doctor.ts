import stringWidth from 'fast-string-width';
import type { Json } from '../../canonical.ts';
import type { Style } from '../style.ts';
import { printable } from './printable.ts';

/** What was looked at, and how it is, as a view needs it. */
export interface ShownDiagnosis {
  readonly topics: readonly { readonly topic: string; readonly findings: readonly ShownFinding[] }[];
}

interface ShownFinding {
  readonly check: string;
  readonly grade: 'ok' | 'warning' | 'error';
  readonly says: string;
  readonly evidence?: readonly string[];
  readonly hint?: string;
  readonly mend?: readonly string[];
}

type Grade = ShownFinding['grade'];

export function countsOf({ topics }: ShownDiagnosis): Readonly<Record<Grade, number>> {
  const counts = { ok: 0, warning: 0, error: 0 };
  for (const { findings } of topics) for (const { grade } of findings) counts[grade] += 1;
  return counts;
}

/** A line for each finding; what is not well with its evidence, and the commands that mend it. */
export function doctorText(diagnosis: ShownDiagnosis, { style, width }: { style: Style; width: number }): string {
  const { topics } = diagnosis;
  const wide = Math.max(...topics.map(({ topic }) => topic.length));
  const lines = topics.flatMap(({ topic, findings }) =>
    findings.flatMap((one) => findingLines(one, topic.padEnd(wide), width, style)),
  );
  return `${lines.join('\n')}\n\n${summary(countsOf(diagnosis), style)}\n`;
}

const WORD: Readonly<Record<Grade, string>> = { ok: 'ok', warning: 'warning', error: 'ERROR' };

function findingLines(finding: ShownFinding, topic: string, width: number, style: Style): string[] {
  const { grade, says, evidence = [], hint, mend = [] } = finding;
  const mark = { ok: style.green, warning: style.yellow, error: style.red }[grade](WORD[grade].padEnd(7));
  const space = ' '.repeat(INDENT + topic.length);
  const room = Math.max(LEAST, width - space.length);
  const [first = '', ...rest] = wrapped(printable(says), room);
  const head = [`${mark}  ${style.dim(topic)}  ${first}`, ...rest.map((line) => `${space}${line}`)];
  if (grade === 'ok') return head;
  const more = [
    ...evidence.flatMap((text) => wrapped(printable(text), room).map(style.dim)),
    ...(hint === undefined ? [] : wrapped(printable(hint), room)),
    // A command stays whole, to be taken as it is.
    ...mend.map((command) => `${style.dim('mend:')} ${style.cyan(printable(command))}`),
  ];
  return [...head, ...more.map((text) => `${space}${text}`)];
}

const INDENT = 7 + 2 + 2;
/** Columns: with less it is no text any more. */
const LEAST = 30;

/** Broken between words; a word that is longer than a line stays whole. */
function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || stringWidth(last) + 1 + stringWidth(word) > room) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function summary({ ok, warning, error }: Readonly<Record<Grade, number>>, style: Style): string {
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  const parts = [
    ...(error === 0 ? [] : [style.red(many(error, 'error'))]),
    ...(warning === 0 ? [] : [style.yellow(many(warning, 'warning'))]),
    `${ok} ok`,
  ];
  return `${parts.join(', ')}.`;
}

/** The same for programs. */
export function doctorJson(diagnosis: ShownDiagnosis): Json {
  const { ok, warning, error } = countsOf(diagnosis);
  return {
    healthy: error === 0,
    counts: { ok, warning, error },
    findings: diagnosis.topics.flatMap(({ topic, findings }) =>
      findings.map(({ check, grade, says, evidence = [], hint, mend = [] }) => ({
        ...{ topic, check, grade, says, evidence: [...evidence], hint: hint ?? null, mend: [...mend] },
      })),
    ),
  };
}
