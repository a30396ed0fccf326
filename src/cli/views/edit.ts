import type { Json } from '../../canonical.ts';
import type { FileChange, Plan } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { maskField } from '../../secrets.ts';
import type { Style } from '../style.ts';
import { planJson, planText } from './plan.ts';
import { diffLines } from './plan-files.ts';
import { problemsText } from './problems.ts';

/** A field as it was and as it is to be; undefined is not said. */
export interface FieldShown {
  readonly subject: string;
  readonly field: string;
  readonly from: Json | undefined;
  readonly to: Json | undefined;
  readonly file: string;
}

/** What an edit writes, and what comes of it. */
export interface EditShown {
  /** With what is secret masked. */
  readonly changes: readonly FileChange[];
  readonly fields: readonly FieldShown[];
  readonly notes: readonly string[];
  readonly written: boolean;
  readonly plan?: Plan;
  /** Why there is no plan. */
  readonly noPlan?: readonly Problem[];
  /** How to commit it by hand. */
  readonly commands: readonly string[];
  readonly committed?: { readonly commit: string; readonly branch: string };
  /** The repository that it has to be made in. */
  readonly elsewhere?: { readonly url: string; readonly ref?: string; readonly path: string };
}

/** The diff, what is to be known of it, and what would be done here. */
export function editText(
  shown: EditShown,
  { style, width }: { readonly style: Style; readonly width: number },
): string {
  const { changes, notes, plan, noPlan } = shown;
  const diffs = changes.flatMap((change) => [...diffLines(change, style), '']);
  const said = notes.map((note) => `${note}\n`).join('');
  const parts = [diffs.length === 0 ? '' : diffs.join('\n'), said];
  if (plan !== undefined) parts.push(planText(plan, { style, width }));
  if (noPlan !== undefined)
    parts.push(`${style.yellow('What it would do here cannot be told:')}\n${problemsText(noPlan, style)}`);
  const text = parts.filter((part) => part !== '').join('\n');
  return text === '' ? '' : `${text}\n`;
}

/** How it ended, and what to do next. */
export function editEnd(shown: EditShown & { readonly daemon: boolean; readonly committedOnly: boolean }): string {
  const { changes, written, commands, committed, elsewhere, daemon, committedOnly } = shown;
  if (changes.length === 0) return 'Nothing to write: it is so already.\n';
  if (elsewhere !== undefined) {
    const { url, ref, path } = elsewhere;
    const place = `${url}${ref === undefined ? '' : `, ${ref}`}${path === '' ? '' : `, in ${path}/`}`;
    return `Nothing was written: the desired state is fetched from a repository elsewhere. Make this change there:\n  ${place}\n`;
  }
  if (!written) return 'Nothing was written.\n';
  const next = daemon ? 'The daemon looks at it now.' : 'To make it so: reconcile';
  if (committed !== undefined) {
    const { commit, branch } = committed;
    return `Committed ${commit.slice(0, 12)} on ${branch}. ${next}\n`;
  }
  const keep = commands.map((command) => `  ${command}\n`).join('');
  if (committedOnly && commands.length > 0) return `Written. It counts once it is committed:\n${keep}`;
  return `Written. ${next}\n${keep === '' ? '' : `To keep it:\n${keep}`}`;
}

/** The whole for programs. */
export function editJson(shown: EditShown): Json {
  const { changes, fields, notes, written, plan, noPlan, commands, committed } = shown;
  return {
    written,
    fields: fields.map(({ subject, field, from, to, file }) => ({
      ...{ name: subject, field, file },
      from: maskField(field, from) ?? null,
      to: maskField(field, to) ?? null,
    })),
    files: changes.map(({ path, from = null, to = '' }) => ({ path, from, to })),
    notes: [...notes],
    plan: plan === undefined ? null : planJson(plan),
    noPlan: noPlan === undefined ? null : noPlan.map(({ summary }) => summary),
    commit: committed === undefined ? null : { id: committed.commit, branch: committed.branch },
    commands: written && committed === undefined ? [...commands] : [],
  };
}

/** What was done to the fields, on one line where that is not too long: what a commit of it is called. */
export function titleOf(fields: readonly FieldShown[], unset: boolean): string {
  const words = fields.map(({ subject, field, to }) => {
    const value = maskField(field, to);
    return value === undefined ? `${subject}.${field}` : `${subject}.${field}=${valueText(value)}`;
  });
  const title = `${unset ? 'unset' : 'set'} ${words.join(' ')}`;
  if (title.length <= LONGEST || words.length === 1) return title;
  const names = [...new Set(fields.map(({ subject }) => subject))];
  return `${unset ? 'unset' : 'set'} ${fields.length} fields of ${names.join(', ')}\n\n${words.join('\n')}`;
}

const LONGEST = 72;

function valueText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
