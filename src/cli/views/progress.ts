import type { Json } from '../../canonical.ts';
import type { Action, Event, Outcome, Report, Step, StepReport } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { unreachable } from '../../problem.ts';
import { formatDuration } from '../../units.ts';
import type { Style } from '../style.ts';
import { planJson } from './plan.ts';
import { problemsText } from './problems.ts';

/** The line that tells an event while applying, or nothing where it needs none. */
export function progressText(event: Event, style: Style): string | undefined {
  switch (event.kind) {
    case 'planned':
    case 'applied':
      return undefined;
    case 'step-started':
      return style.dim(`  ${event.step.service}: ${isLoad(event.step) ? 'updating' : DOING[event.step.action]}...`);
    case 'overridden':
      return style.yellow(`Windows and freezes are passed over: ${event.why}`);
    case 'handover-stage':
      return style.dim(`  ${event.service}: ${event.text}`);
    case 'step-ended':
      return `  ${event.step.service}: ${ended(event.step, event.outcome, event.took, style)}`;
    default:
      return unreachable(event);
  }
}

/** What an apply came to: a line of counts, and each problem in full. */
export function reportText(report: Report, style: Style): string {
  const problems = problemsOf(report);
  const counts = [count(report, 'done'), count(report, 'failed'), count(report, 'skipped')];
  const words = counts
    .map((n, i) => `${n} ${['done', 'failed', 'skipped'][i]}`)
    .filter((_, i) => i === 0 || counts[i] !== 0);
  if (report.plan.held.length > 0) words.push(`${report.plan.held.length} held`);
  const mark = problems.length > 0 || report.plan.held.length > 0 ? style.yellow : style.green;
  const line = `${mark(`Applied: ${words.join(', ')}`)} in ${seconds(report.took)}.`;
  return problems.length === 0 ? `${line}\n` : `${line}\n\n${problemsText(problems, style)}`;
}

/** One value for programs: the plan, and what became of each step. */
export function reportJson(report: Report): Json {
  return {
    plan: planJson(report.plan),
    steps: report.steps.map(({ step, outcome, took }) => ({
      id: step.id,
      outcome: outcome.kind,
      took: Math.round(took),
      ...said(outcome),
    })),
    done: count(report, 'done'),
    failed: count(report, 'failed'),
    skipped: count(report, 'skipped'),
    took: Math.round(report.took),
  };
}

const DOING: Readonly<Record<Action, string>> = {
  create: 'creating',
  start: 'starting',
  stop: 'stopping',
  restart: 'restarting',
  replace: 'restarting with its new definition',
  update: 'updating',
  remove: 'removing',
  handover: 'handing over',
  retire: 'ending what is beside it',
  'give-back': 'handing back',
};

const DONE: Readonly<Record<Action, string>> = {
  create: 'created',
  start: 'started',
  stop: 'stopped',
  restart: 'restarted',
  replace: 'restarted with its new definition',
  update: 'updated, pid unchanged',
  remove: 'removed',
  handover: 'handed over',
  retire: 'what was beside it is ended for good',
  'give-back': 'handed back, and removed',
};

/** A new definition for what does not run, and is not started by this. */
function isLoad({ action, effect }: Step): boolean {
  return action === 'replace' && effect === 'none';
}

function ended(step: Step, outcome: Outcome, took: number, style: Style): string {
  switch (outcome.kind) {
    case 'done':
      return `${style.green(isLoad(step) ? 'updated, not started' : DONE[step.action])}${outcome.pid === undefined || step.action === 'update' ? '' : `, pid ${outcome.pid}`}${gap(outcome)} ${style.dim(`(${seconds(took)})`)}`;
    case 'failed':
      return `${style.red('failed')} ${style.dim(`(${seconds(took)})`)}: ${outcome.problem.summary}`;
    case 'skipped':
      return `${style.yellow('skipped')}: ${outcome.problem.summary}`;
    default:
      return unreachable(outcome);
  }
}

/** How long nothing ran. */
function gap({ gap }: Extract<Outcome, { kind: 'done' }>): string {
  return gap === undefined ? '' : `, ${gap.process} ms without a process, ${gap.ready} ms until ready`;
}

function said(outcome: Outcome): { readonly [key: string]: Json } {
  if (outcome.kind === 'done') {
    const { pid, gap } = outcome;
    return { ...(pid === undefined ? {} : { pid }), ...(gap === undefined ? {} : { gap: { ...gap } }) };
  }
  const { code, summary, detail, hint } = outcome.problem;
  return {
    problem: { code, summary, ...(detail === undefined ? {} : { detail }), ...(hint === undefined ? {} : { hint }) },
  };
}

function problemsOf(report: Report): readonly Problem[] {
  return report.steps.flatMap(({ outcome }: StepReport) => (outcome.kind === 'failed' ? [outcome.problem] : []));
}

function count(report: Report, kind: Outcome['kind']): number {
  return report.steps.filter(({ outcome }) => outcome.kind === kind).length;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(2)}s` : formatDuration(Math.round(ms / 1000) * 1000);
}
