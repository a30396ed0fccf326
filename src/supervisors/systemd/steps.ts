import type { Monitor } from '../../health/health.ts';
import type { Outcome, OwnStep, Run, Step } from '../../model.ts';
import { Failure, type Problem, unreachable } from '../../problem.ts';
import type { Scope } from '../shared/bus-address.ts';
import { cannot, changedMeanwhile, done, failed } from '../shared/outcome.ts';
import { whenHealthy } from '../shared/probing.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';
import { type Glance, glance, isUp } from './glance.ts';
import { journalCommand, lastLines } from './journal.ts';
import type { JobEnd } from './manager.ts';
import { unitOf, unitOfId } from './names.ts';
import { endBoot, removeFile } from './prepare.ts';
import { reasonOf } from './runs.ts';
import type { Observer } from './sight.ts';
import type { Waiting } from './waiting.ts';

export interface StepContext {
  readonly observer: Observer;
  readonly waiting: Waiting;
  readonly monitor: Monitor;
  readonly logDir: string;
  /** Somebody has said something of it: its restarts are counted anew. */
  readonly renew: () => void;
  /** Begins to probe a service's health, where it has probes. */
  readonly probe: (id: string, settings: Settings, pid: number | undefined) => Promise<void>;
}

/** Takes one step, whose files are written and loaded, and waits for its result. Throws what systemd says. */
export async function take(context: StepContext, step: OwnStep, signal: AbortSignal): Promise<Outcome> {
  const unit = unitFor(step);
  const { manager } = context.observer;
  const before = await glance(manager, unit);
  const changed = refusal(step, before);
  if (changed !== undefined) return failed(changed);
  // What is restarted to keep it well was counted before.
  if (step.action !== 'update' && step.reason.kind !== 'unhealthy') context.renew();
  switch (step.action) {
    case 'create':
    case 'start':
    case 'replace':
    case 'restart':
      if (step.effect === 'none') return { kind: 'done' };
      return start(context, step, unit, before, signal);
    case 'update':
      return done(before.pid);
    case 'stop':
      return stop(context, step, unit, signal);
    case 'remove': {
      if (step.effect === 'stop') {
        const stopped = await stop(context, step, unit, signal);
        if (stopped.kind !== 'done') return stopped;
      }
      // One that was stopped for it may be gone from systemd's memory.
      else if (before.active === 'failed') await manager.resetFailed(unit);
      const unlinked = await endBoot(context.observer, step);
      for (const { path } of step.files ?? []) removeFile(path);
      if (unlinked) await manager.reload();
      context.monitor.forget(step.service);
      return { kind: 'done' };
    }
    default:
      return unreachable(step.action);
  }
}

export function unitFor(step: Step): string {
  return step.target === undefined ? unitOfId(step.service) : unitOf(step.target.service);
}

async function start(
  context: StepContext,
  step: Step,
  unit: string,
  before: Glance,
  signal: AbortSignal,
): Promise<Outcome> {
  const { manager, scope } = context.observer;
  const { target } = step;
  if (target === undefined) throw new Error(`no target of ${step.id}`);
  const settings = settingsOf(step.service, target.definition.fields, context.logDir);
  // A person's or Git's word begins a new count: systemd refuses starts beyond its limit.
  if (step.seen.kind === 'present') await manager.resetFailed(unit).catch(() => {});
  const begun = Date.now();
  const begin = () =>
    step.effect === 'restart' || isUp(before) ? manager.restart(unit, signal) : manager.start(unit, signal);
  const end = await begin().catch(async (error: unknown) => {
    if (!isUnsure(error)) throw error;
    // What is there now tells; asked once more, systemd makes one job of two.
    const now = await glance(manager, unit);
    return isUp(now) && now.pid !== before.pid ? 'unseen' : begin();
  });
  const notStarted = async (because: string) => {
    const detail = await lastLines(scope, unit, settings, begun);
    return failed({
      ...cannot(step, because, 'start-failed'),
      hint: `mend it, then \`reconcile start ${step.service}\`; all it said: ${outputOf(scope, unit, settings)}`,
      ...(detail === undefined ? {} : { detail }),
    });
  };
  const ready = await context.waiting.ready(unit, end, settings, signal);
  switch (ready.kind) {
    case 'ready': {
      await context.probe(step.service, settings, ready.pid);
      let exit: string | undefined;
      const ill = await whenHealthy(context.monitor, step.service, settings, signal, async (limit) => {
        exit = await context.waiting.ended(unit, settings, limit);
      });
      if (ill?.code === 'start-failed') return notStarted(`${ill.because}: ${exit}`);
      if (ill !== undefined) {
        const hint = `it was left running; its output: ${outputOf(scope, unit, settings)}`;
        return failed({ ...cannot(step, ill.because, ill.code), hint });
      }
      return done(ready.pid);
    }
    case 'ended-well':
      return { kind: 'done' };
    case 'interrupted':
      return failed(cannot(step, 'interrupted before it was ready; systemd goes on with it', 'interrupted'));
    case 'failed':
      return notStarted(ready.because ?? reasonOf(ready.unit));
    default:
      return unreachable(ready);
  }
}

function outputOf(scope: Scope, unit: string, { logs }: Settings): string {
  return `${journalCommand(scope, unit)}${logs.written ? `, ${logs.stderr}` : ''}`;
}

async function stop(
  { observer, monitor }: StepContext,
  step: Step,
  unit: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { manager } = observer;
  monitor.forget(step.service);
  const end = await manager.stop(unit, signal);
  const after = await manager.unit(unit);
  if (after.active === 'inactive' || after.active === 'failed') {
    // Killed after its timeout is stopped all the same; nobody is to take that for a failure of its own.
    if (after.active === 'failed') await manager.resetFailed(unit);
    return { kind: 'done' };
  }
  if (end === 'interrupted') return failed(cannot(step, 'interrupted while it was stopping', 'interrupted'));
  return failed(cannot(step, `${JOB[end] ?? `its job ended as '${end}'`}; it is ${after.active} (${after.sub})`));
}

const JOB: Partial<Record<JobEnd, string>> = {
  canceled: 'somebody else asked systemd for something else meanwhile',
  timeout: 'systemd gave up waiting',
  dependency: 'a unit that it needs could not be started',
  unseen: 'systemd or its bus was restarted meanwhile',
};

/** Is the unit still in the state that the plan saw? Its files were compared before they were written. */
function refusal(step: Step, now: Glance): Problem | undefined {
  const { seen } = step;
  if (seen.kind === 'absent') return undefined;
  if (!wasUp(seen.run) && isUp(now) && step.effect !== 'pid unchanged') {
    return changedMeanwhile(step, `it was ${seen.run} and is ${now.active}`);
  }
  const { pid } = now;
  const stops = step.effect === 'stop' || step.effect === 'restart';
  if (stops && seen.run === 'running' && seen.pid !== undefined && seen.pid > 0 && pid > 0 && pid !== seen.pid) {
    // What supervision restarted meanwhile is still the same service.
    if (now.restarts === 0) return changedMeanwhile(step, `its process was ${seen.pid} and is ${pid}`);
  }
  return undefined;
}

function wasUp(run: Run['kind']): boolean {
  return run === 'running' || run === 'starting' || run === 'backoff' || run === 'stopping';
}

/** systemd or the bus went away before it answered: what it was asked may be done or not. */
function isUnsure(error: unknown): boolean {
  return error instanceof Failure && error.problems.some(({ code }) => code === 'systemd-gone' || code === 'bus-lost');
}
