import type { Json } from '../../canonical.ts';
import type { Action, Held, Notice, Plan, Reason, Run, Step, StepGate } from '../../model.ts';
import { unreachable } from '../../problem.ts';
import { maskFile, maskText } from '../../secrets.ts';
import type { Style } from '../style.ts';
import { changeLines, wrapped } from './plan-changes.ts';
import { hostLines } from './plan-files.ts';
import { handoverJson, handoverLines } from './plan-handover.ts';
import { heldWords } from './plan-held.ts';
import { noticeWords } from './plan-notices.ts';

const INDENT = '      ';

/**
 * A plan for people, with a sign before each service:
 * `+` create, `~` change, `-/+` restart, `>` start, `-` stop or remove, `!` held, `=` left as it is. With `diffs: false`
 * files are only named.
 */
export function planText(
  plan: Plan,
  options: { readonly style: Style; readonly width: number; readonly diffs?: boolean },
): string {
  const { style, width } = options;
  const all = [...plan.steps, ...plan.held, ...plan.notices];
  const column = Math.min(28, Math.max(0, ...all.map(({ service }) => service.length)));
  const head = (sign: string, service: string, text: string) =>
    `${sign} ${style.bold(service)}${' '.repeat(Math.max(0, column - service.length))}  ${text}`;

  const shown = new Set<string>();
  const steps = plan.steps.flatMap((step) => [
    head(SIGNS[signOf(step)](style), step.service, effectText(step)),
    ...reasonLines(step, width, style),
    ...gateLines(step, width),
    ...handoverLines(step).flatMap(({ mark, text }) => hanging(mark, text, width)),
    ...hostLines(step, shown, options.diffs !== false, style),
  ]);
  const reasons = Map.groupBy(plan.held, (held) => JSON.stringify(heldWords(held, plan)));
  const held = [...reasons.values()].flatMap((group) => [
    ...group.map(({ service }) => head(style.red('  !'), service, 'held')),
    ...heldLines(group, plan, width, style),
  ]);
  const notices = plan.notices.flatMap((notice) => {
    const { what, why } = noticeWords(notice);
    const changes = notice.kind === 'staged' ? changeLines(notice.changes, width, style, false) : [];
    return [head(style.dim('  ='), notice.service, what), ...indented(why, width), ...changes];
  });
  const reloads = (plan.reloads ?? []).map(
    (name) =>
      `${name} reads its files anew once (${name === 'systemd' ? 'daemon-reload' : 'reread'}), before the steps.`,
  );
  const blocks = [steps, reloads, held, notices]
    .filter((block) => block.length > 0)
    .map((block) => `${block.join('\n')}\n`);
  return [...blocks, `${style.bold(summary(plan))}\n`].join('\n');
}

/** The same for programs, as docs/plan.schema.json describes. */
export function planJson(plan: Plan): Json {
  const { version, revision, fingerprint } = plan;
  const steps = plan.steps.map((step) => {
    const { id, service, supervisor, action, reason, effect, after, files, boot, handover, gates } = step;
    const writes = {
      ...(gates && { gates }),
      ...(files && { files: files.map(maskFile) }),
      ...(boot && { boot }),
      ...(handover && { handover: handoverJson(handover) }),
    };
    return { id, service, supervisor, action, reason, effect, after, ...writes };
  });
  const held = plan.held.map(({ service, supervisor, reason }: Held) => ({ service, supervisor, reason }));
  const notices: readonly Notice[] = plan.notices;
  const reloads = plan.reloads === undefined ? {} : { reloads: plan.reloads };
  return { version, revision, fingerprint, steps, held, notices, ...reloads } as unknown as Json;
}

type Sign = 'create' | 'change' | 'restart' | 'start' | 'end';

const SIGNS: Readonly<Record<Sign, (style: Style) => string>> = {
  create: (style) => style.green('  +'),
  change: (style) => style.yellow('  ~'),
  restart: (style) => `${style.red('-')}/${style.green('+')}`,
  start: (style) => style.green('  >'),
  end: (style) => style.red('  -'),
};

function signOf({ action, effect }: Step): Sign {
  switch (action) {
    case 'create':
      return 'create';
    case 'update':
      return 'change';
    case 'stop':
    case 'remove':
    case 'retire':
      return 'end';
    case 'handover':
    case 'give-back':
      return 'restart';
    case 'start':
    case 'restart':
    case 'replace':
      return effect === 'restart' ? 'restart' : effect === 'none' ? 'change' : 'start';
    default:
      return unreachable(action);
  }
}

/** What happens to the service and, above all, to its process. */
export function effectText({ action, effect, seen }: Step): string {
  const pid = seen.kind === 'present' && seen.pid ? ` pid ${seen.pid}` : '';
  const runs = seen.kind === 'present' && (pid !== '' || seen.run === 'running');
  switch (action) {
    case 'create':
      return effect === 'start' ? 'create and start' : 'create, not started';
    case 'start':
      return 'start';
    case 'restart':
      return `restart${pid}`;
    case 'replace':
      if (effect === 'none') return 'new definition, not started';
      return effect === 'restart' ? `restart${pid}, new definition` : 'start, new definition';
    case 'update':
      return effect === 'pid unchanged'
        ? `update,${pid === '' ? ' pid' : pid} unchanged`
        : 'update, no process touched';
    case 'stop':
      return runs ? `stop${pid}` : 'stop its restarts';
    case 'remove':
      return effect === 'stop' && runs ? `stop${pid} and remove` : 'remove';
    case 'handover':
      return effect === 'none'
        ? 'hand over, nothing runs'
        : effect === 'pid unchanged'
          ? 'finish its handover'
          : 'hand over';
    case 'retire':
      return effect === 'stop' ? 'stop what is beside it, for good' : 'disable what is beside it';
    case 'give-back':
      return 'hand back, and remove';
    default:
      return unreachable(action);
  }
}

/** What becomes of a change that needs no new process, and gets none. */
const STAGED =
  'staged: written now; takes effect at its next restart by us or when its supervisord starts anew (a `supervisorctl update` would restart it); now: --restart-staged or `changes: now`';

/** Why, a line each. */
export function reasonLines(step: Step, width: number, style: Style): string[] {
  if (step.reason.kind === 'changed') {
    const later = step.action === 'update';
    const lines = changeLines(step.reason.changes, width, style, later);
    const waits =
      later && step.effect === 'pid unchanged' && step.reason.changes.some(({ effect }) => effect === 'staged');
    return waits ? [...lines, ...indented(STAGED, width).map(style.dim)] : lines;
  }
  const text = step.handover === undefined ? (inPlaceText(step) ?? reasonText(step.reason)) : reasonText(step.reason);
  return text === undefined ? [] : indented(text, width);
}

/** It takes the place of somebody else's of its name, which its supervisor has as that; or it makes way for what it took. */
function inPlaceText({ reason, action }: Step): string | undefined {
  if (reason.kind === 'given-back') return `goes before ${reason.things.map(maskText).join(', ')} is back in force`;
  if (reason.kind !== 'superseded' || reason.things.length === 0 || action === 'create') return undefined;
  return `takes the place of ${reason.things.map(maskText).join(', ')}, whose files are kept as they were`;
}

/** What the gates said that it had to pass, a line each. */
function gateLines({ service, gates = [] }: Step, width: number): string[] {
  return gates.flatMap((gate) => {
    const whose = gate.service === service ? 'its gate' : `the gate of ${gate.service}`;
    return indented(`${whose} ${GATES[gate.answer]}: ${gate.gate}`, width);
  });
}

const GATES: Readonly<Record<StepGate['answer'], string>> = {
  untried: 'was not tried',
  passed: 'passed',
  overridden: 'is passed over',
  approved: 'does not pass, and a person has it done all the same',
  late: 'did not pass in time, and it goes on all the same',
};

const RUNS: Readonly<Record<Run['kind'], string>> = {
  running: 'runs',
  starting: 'is starting',
  backoff: 'waits to be tried again',
  stopping: 'is being stopped',
  stopped: 'is stopped',
  exited: 'has ended',
  fatal: 'is FATAL',
  held: 'is HELD',
};

function reasonText(reason: Exclude<Reason, { kind: 'changed' }>): string | undefined {
  switch (reason.kind) {
    case 'missing':
      return undefined;
    case 'not-running':
      return `it should run, and ${RUNS[reason.run]}`;
    case 'not-wanted':
      return `its desired state is ${reason.state}`;
    case 'stale-process':
      return 'its process was started from an older definition';
    case 'staged':
      return 'what was staged for its next start takes effect now';
    case 'with':
      return `restarted together with ${reason.service}${reason.pool === undefined ? ', which runs it' : ': supervisord changes its instances all at once'}`;
    case 'adopted':
      return 'its process is ours but its record is gone: taken back as it is';
    case 'renamed':
      return `is now ${reason.to}`;
    case 'fewer-instances':
      return `not among its instances in Git: ${reason.instances}`;
    case 'not-in-git':
      return 'no longer in Git';
    case 'behind':
      return `once ${reason.service} has taken the place of ${reason.things.map(maskText).join(', ')}`;
    case 'asked':
      return 'asked for';
    case 'unhealthy':
      return `its probe ${reason.probe} fails: ${reason.why}`;
    case 'files':
      return reason.by === 'others' ? 'its files are not as they were written' : 'its files are written otherwise now';
    case 'boot':
    // The parts of a handover say it.
    case 'superseded':
    case 'given-back':
      return undefined;
    default:
      return unreachable(reason);
  }
}

function heldLines(group: readonly Held[], plan: Plan, width: number, style: Style): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const { why, next } = heldWords(first, plan);
  const lines = indented(why, width);
  return next === undefined ? lines : [...lines, ...indented(next, width).map(style.dim)];
}

/** A text behind a mark, its further lines below its first word. */
function hanging(mark: string, text: string, width: number): string[] {
  const lines = wrapped(text, width - INDENT.length - mark.length);
  return lines.map((line, i) => INDENT + (i === 0 ? mark : ' '.repeat(mark.length)) + line);
}

function indented(text: string, width: number): string[] {
  return wrapped(text, width - INDENT.length).map((line) => INDENT + line);
}

const OVER: ReadonlySet<Action> = new Set(['create', 'handover', 'give-back']);

/** `Plan: 2 to create, 1 to restart. 1 held.` */
function summary({ steps, held, notices }: Plan): string {
  const count = (test: (step: Step) => boolean) => steps.filter(test).length;
  const counts: readonly (readonly [number, string])[] = [
    [count(({ action }) => action === 'create'), 'to create'],
    [count(({ action }) => action === 'handover'), 'to hand over'],
    [count(({ action }) => action === 'give-back'), 'to hand back'],
    [count(({ action }) => action === 'retire'), 'to retire'],
    [count(({ action, effect }) => !OVER.has(action) && effect === 'start'), 'to start'],
    [count(({ action, effect }) => !OVER.has(action) && effect === 'restart'), 'to restart'],
    [count(({ action, effect }) => action === 'update' && effect === 'pid unchanged'), 'to update live'],
    [count(({ action, effect }) => action === 'update' && effect === 'none'), 'to update'],
    [count(({ action }) => action === 'stop'), 'to stop'],
    [count(({ action }) => action === 'remove'), 'to remove'],
  ];
  const parts = counts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  const kept = held.length === 0 ? '' : ` ${held.length} held.`;
  if (parts.length === 0 && held.length + notices.length === 0) return 'No changes: everything is as desired.';
  if (parts.length === 0) return `No changes.${kept}`;
  return `Plan: ${parts.join(', ')}.${kept}`;
}
