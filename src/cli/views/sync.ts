import type { Json } from '../../canonical.ts';
import type { Report } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import type { Style } from '../style.ts';
import { problemsJson } from './problems.ts';
import { reportJson, reportText } from './progress.ts';

/** What a sync came to. */
export interface Synced {
  readonly commit?: { readonly commit: string; readonly subject: string; readonly author: string } | undefined;
  readonly from?: string | undefined;
  readonly rewritten?: boolean | undefined;
  readonly report?: Report | undefined;
  readonly problems: readonly Problem[];
}

/** One line for the commit, then what was done for it. */
export function syncText({ commit, from, rewritten, report }: Synced, style: Style): string {
  const lines: string[] = [];
  if (commit !== undefined) lines.push(`${commitText(commit, from, style)}\n`);
  if (rewritten && from !== undefined)
    lines.push(`${style.yellow('History was rewritten or set back:')} it does not come after ${from.slice(0, 12)}\n`);
  if (report !== undefined)
    lines.push(report.steps.length === 0 ? 'No changes: the host is as Git says.\n' : reportText(report, style));
  return lines.join('');
}

function commitText(
  { commit, subject, author }: NonNullable<Synced['commit']>,
  from: string | undefined,
  style: Style,
): string {
  const before = from === commit ? 'nothing new' : from === undefined ? 'the first' : `was ${from.slice(0, 12)}`;
  return `${style.bold(commit.slice(0, 12))} ${subject} (${author}; ${before})`;
}

export function syncJson({ commit, from, rewritten, report, problems }: Synced): Json {
  return {
    commit: commit?.commit ?? null,
    subject: commit?.subject ?? null,
    author: commit?.author ?? null,
    from: from ?? null,
    rewritten: rewritten ?? false,
    report: report === undefined ? null : reportJson(report),
    problems: (problemsJson(problems) as { readonly problems: Json }).problems,
  };
}
