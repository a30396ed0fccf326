import type { Json } from '../../canonical.ts';
import { type Entry, entryJson } from '../../journal/entry.ts';
import type { Plan, ServiceId, ServiceStatus } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { PLAIN, type Style } from '../style.ts';
import { historyText } from './history.ts';
import { effectText, reasonLines } from './plan.ts';
import { wrapped } from './plan-changes.ts';
import { heldWords } from './plan-held.ts';
import { noticeWords } from './plan-notices.ts';
import { printable } from './printable.ts';

/** The commit that a service's timeline begins with, as far as git can tell. */
export interface Origin {
  /** As the journal has it: the beginning of a commit, with or without `+changes`, or a digest. */
  readonly revision: string;
  readonly commit?: {
    readonly commit: string;
    readonly subject: string;
    readonly author: string;
    /** ms since the epoch. */
    readonly at: number;
  };
}

/** All that is known of one service (of each of its instances), from the commit to what it is now. */
export interface Explained {
  readonly name: string;
  readonly origin: Origin | undefined;
  readonly entries: readonly Entry[];
  /** There are so many more between the first and these. */
  readonly leftOut: number;
  /** What is the matter with the journal, where not all of it could be read. */
  readonly journal: Problem | undefined;
  readonly now: readonly ServiceStatus[];
  /** What an apply would do now, or why there is none. */
  readonly plan: Pick<Plan, 'steps' | 'held' | 'notices'> | { readonly problems: readonly Problem[] };
  /** A daemon runs that does it by itself. */
  readonly daemon: boolean;
}

export interface Verdict {
  readonly why: string;
  readonly next: string;
}

export function explainText(
  explained: Explained,
  { style, width }: { readonly style: Style; readonly width: number },
): string {
  const { origin, entries, leftOut, journal, now, name } = explained;
  const lines: string[] = [];
  if (origin !== undefined) lines.push(...wrapped(printable(originText(origin)), width), '');
  if (journal !== undefined) lines.push(...wrapped(journal.summary, width).map(style.yellow), '');
  if (entries.length === 0) lines.push(style.dim('Nothing is recorded of it.'), '');
  else lines.push(historyText(entries, { style, width, alone: now.length <= 1 }));
  if (leftOut > 0) lines.push(style.dim(`(${leftOut} more between: reconcile history ${name})`), '');
  if (now.length === 0) lines.push(`${style.bold('Now:')} not there.`);
  for (const row of now) lines.push(...hanging('Now:', nowText(row, now.length > 1), width, style));
  for (const { why, next } of verdictsOf(explained)) {
    lines.push(...hanging('Why:', why, width, style), ...hanging('Next:', next, width, style));
  }
  return `${lines.join('\n')}\n`;
}

export function explainJson(explained: Explained): Json {
  const { name, origin, entries, leftOut, now, daemon } = explained;
  const commit = origin?.commit;
  return {
    name,
    revision: origin?.revision ?? null,
    commit: commit === undefined ? null : { ...commit, at: new Date(commit.at).toISOString() },
    entries: entries.map(entryJson),
    leftOut,
    now: now as unknown as Json,
    verdicts: verdictsOf(explained).map(({ why, next }) => ({ why, next })),
    daemon,
  };
}

/** Why it is as it is, and what to do next; never nothing. Pure. */
export function verdictsOf({ plan, now, name, daemon }: Explained): readonly Verdict[] {
  if ('problems' in plan) {
    return plan.problems.map(({ summary, hint, at }) => ({
      why: `what Git says can't be applied: ${at === undefined ? '' : `${at.file}:${at.line}: `}${summary}`,
      next: hint ?? '`reconcile validate` tells more',
    }));
  }
  const about = ({ service }: { readonly service: ServiceId }) => service === name || service.startsWith(`${name}@`);
  const whole: Plan = { version: 1, revision: '', fingerprint: '', ...plan };
  const held = plan.held.filter(about).map((one) => {
    const { why, next = 'nothing has to be done' } = heldWords(one, whole);
    return { why: `it is held: ${why}`, next };
  });
  const steps = plan.steps.filter(about).map((step) => {
    const because = reasonLines(step, Number.POSITIVE_INFINITY, PLAIN).map((line) => line.trim());
    return {
      why: `it is not as Git says: ${[effectText(step), ...because].join('; ')}`,
      next: daemon
        ? 'the daemon does that by itself, at once'
        : 'to see it: reconcile --dry-run; to have it done: reconcile',
    };
  });
  const notices = plan.notices.filter(about).map((notice) => {
    const { what, why } = noticeWords(notice);
    return { why: `${what}: ${why}`, next: 'nothing has to be done' };
  });
  const noted = now.flatMap((service) => (service.note === null ? [] : [noteVerdict(service, service.note)]));
  const found = unique([...held, ...steps, ...notices]);
  if (found.length > 0) return found;
  if (noted.length > 0) return noted;
  if (now.length === 0)
    return [{ why: 'Git has nothing of it, or says `state: absent`', next: 'nothing has to be done' }];
  return [{ why: 'it is as Git says', next: 'nothing has to be done' }];
}

/** A note tells what to do next behind its last semicolon, where it does. */
function noteVerdict({ name, pid, level, waitingFor }: ServiceStatus, note: string): Verdict {
  if (waitingFor !== null)
    return { why: note, next: 'nothing has to be done to it: it goes on once that is well again' };
  const at = note.lastIndexOf('; ');
  const next = at === -1 ? '' : note.slice(at + 2);
  if (next.includes('reconcile ')) return { why: note.slice(0, at), next };
  const isWell = pid === null || level === null || level === 'HEALTHY';
  const mend = `mend that: it is well again once its probes pass; to restart it all the same: reconcile restart ${name}`;
  return { why: note, next: isWell ? 'nothing has to be done' : mend };
}

function unique(verdicts: readonly Verdict[]): readonly Verdict[] {
  return [...new Map(verdicts.map((verdict) => [JSON.stringify(verdict), verdict])).values()];
}

function originText({ revision, commit }: Origin): string {
  const dirty = revision.endsWith('+changes') ? ', with changes that are not committed' : '';
  if (commit === undefined) return `From ${revision}`;
  const { subject, author, at } = commit;
  return `From commit ${commit.commit.slice(0, 12)} "${subject}" by ${author}, ${minute(at)}${dirty}`;
}

function nowText(row: ServiceStatus, named: boolean): string {
  const { name, supervisor, state, pid, since, restarts, health, level, revision } = row;
  const parts = [
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(since === null ? [] : [`since ${second(Date.parse(since))}`]),
    ...(restarts === 0 ? [] : [`${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`]),
    ...(level !== null ? [level] : health === 'none' ? [] : [health]),
    ...(revision === null || revision === '' ? [] : [`last applied: ${revision}`]),
  ];
  return `${named ? `${name} ` : ''}${state} under ${supervisor}${parts.length === 0 ? '' : `, ${parts.join(', ')}`}`;
}

function hanging(title: string, text: string, width: number, style: Style): readonly string[] {
  const [first = '', ...more] = wrapped(printable(text), width - 6);
  return [`${style.bold(title)}${' '.repeat(6 - title.length)}${first}`, ...more.map((line) => `      ${line}`)];
}

const minute = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
const second = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
