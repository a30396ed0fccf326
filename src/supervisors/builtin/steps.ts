import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beganAt, bootId, commandOf } from '../../host/procfs.ts';
import type { Actual, Definition, Outcome, OwnStep, ServiceId, Step, UnreadableObject } from '../../model.ts';
import { type Problem, unreachable, why } from '../../problem.ts';
import { formatDuration } from '../../units.ts';
import { notWritten, removeFile } from '../shared/files.ts';
import { whenHealthy } from '../shared/probing.ts';
import { settingsOf } from '../shared/settings.ts';
import { sizeOf, tail } from '../shared/tail.ts';
import type { State } from './machine.ts';
import { type Observer, observeOne } from './observe.ts';
import { NEW_MACHINE, readRecord, type ServiceRecord } from './record.ts';
import { findMain, guessMains, type Identity, type Processes, runs } from './scan.ts';
import type { Surroundings } from './surroundings.ts';
import { ownGroup, remainsOf, signalTo } from './tree.ts';
import { Unit } from './unit.ts';
import { whyNot } from './why-not.ts';

export interface StepContext {
  readonly around: Surroundings;
  readonly observer: Observer;
  readonly units: Map<ServiceId, Unit>;
  readonly revision: (id: ServiceId) => string | undefined;
  /** Why a service can't be started here. */
  readonly check: (step: Step) => Promise<Problem | undefined>;
}

/** Takes one step and waits for its result. */
export async function take(context: StepContext, step: OwnStep, signal: AbortSignal): Promise<Outcome> {
  const found = await observeOne(context.observer, step.service);
  const changed = refusal(step, found);
  if (changed !== undefined) return failed(changed);
  const starts = step.effect === 'start' || step.effect === 'restart';
  // Before anything is stopped for it.
  const blocked = starts ? await context.check(step) : undefined;
  if (blocked !== undefined) return failed(blocked);
  const unit = await unitOf(context, step, found?.kind === 'actual' ? found : undefined);
  if (!(unit instanceof Unit)) return failed(unit);
  try {
    return await act(context, step, unit, signal);
  } finally {
    if (!context.around.supervise) release(context, unit);
  }
}

async function act(context: StepContext, step: OwnStep, unit: Unit, signal: AbortSignal): Promise<Outcome> {
  const { action, target } = step;
  try {
    if (target !== undefined) unit.redefine(recorded(target.definition), context.revision(step.service));
  } catch (error) {
    // What replaced it would be unknown to the next run, which would replace it again. A stop needs no record.
    if (action !== 'stop') return failed(notWritten(step, error));
  }
  switch (action) {
    case 'create':
    case 'start':
    case 'replace':
    case 'restart': {
      if (step.effect === 'none') return { kind: 'done' };
      // Stopping a tree ends with a look at all processes, in which nothing of it was left.
      const proven = unit.pid !== undefined && unit.settings.stop.tree;
      if (action !== 'create' || unit.state.name !== 'STOPPED') {
        const stopped = await stop(unit, step, signal);
        if (stopped.kind !== 'done') return stopped;
      }
      if (proven) return start(context, unit, step, signal, new Map());
      return start(context, unit, step, signal);
    }
    case 'update': {
      const pid = unit.pid;
      return pid === undefined ? { kind: 'done' } : { kind: 'done', pid };
    }
    case 'stop':
      return stop(unit, step, signal);
    case 'remove': {
      const stopped = await stop(unit, step, signal);
      if (stopped.kind !== 'done') return stopped;
      release(context, unit);
      rmSync(unit.folder, { recursive: true, force: true });
      for (const { path } of step.files ?? []) removeFile(path);
      return stopped;
    }
    default:
      return unreachable(action);
  }
}

function release({ units }: StepContext, unit: Unit): void {
  unit.close();
  units.delete(unit.id);
}

/** The unit of a step's service: the one at work, one from its record, or a new one; with its process, if that lives. */
async function unitOf(context: StepContext, step: Step, found: Actual | undefined): Promise<Unit | Problem> {
  const { around, units } = context;
  const id = step.service;
  const known = units.get(id);
  // A process that the one at work knows nothing of was started by somebody else.
  const strange = found !== undefined && 'pid' in found.run && known?.pid === undefined;
  if (known !== undefined && found?.definition.fields !== undefined && !strange) return known;
  if (known !== undefined) release(context, known);

  const processes = await around.scanner.fresh();
  const read = readRecord(around.services, id);
  if (read.kind === 'unreadable') return read.problem;
  const main = read.kind === 'absent' ? guessMains(processes, around.owner).get(id) : undefined;
  if (main !== undefined && step.target !== undefined && main.stamp?.hash === step.target.definition.hash) {
    const { command } = settingsOf(id, step.target.definition.fields, around.logDir);
    if (!runs(commandOf(main.pid), command)) return notMain(id, main.pid);
  }
  const definition = recorded(step.target?.definition ?? { hash: main?.stamp?.hash ?? '', fields: {} });
  const unit = new Unit(around, read.kind === 'record' ? read.record : blank(around, id, definition));
  units.set(id, unit);
  try {
    await unit.prepare();
  } catch (error) {
    // A user that is gone must not keep it from being stopped; a start says so by itself.
    if (read.kind === 'absent') return cannot(step, why(error));
  }
  if (main !== undefined) unit.adopt(main, ownGroup(main, processes), beganAt(main));
  else unit.resume(processes);
  return unit;
}

/** Files are on the host, and are read from there. */
function recorded({ hash, fields }: Definition): Definition {
  return { hash, fields };
}

function blank(around: Surroundings, id: ServiceId, definition: ServiceRecord['definition']): ServiceRecord {
  const { owner, logDir } = around;
  return { version: 1, owner, id, definition, logDir, boot: bootId(), started: false, machine: NEW_MACHINE };
}

async function stop(unit: Unit, step: Step, signal: AbortSignal): Promise<Outcome> {
  unit.stop();
  await unit.until(({ name }) => name === 'STOPPED', signal);
  if (unit.state.name === 'STOPPED') return { kind: 'done' };
  return failed(cannot(step, 'interrupted while it was stopping', 'interrupted'));
}

/** `seen`: the processes that may be of it, where somebody has looked already. */
async function start(
  context: StepContext,
  unit: Unit,
  step: Step,
  signal: AbortSignal,
  seen?: Processes,
): Promise<Outcome> {
  const { around } = context;
  const identity = { owner: around.owner, id: unit.id };
  try {
    await unit.prepare();
  } catch (error) {
    return failed(cannot(step, why(error)));
  }
  const processes = seen ?? (await around.scanner.loose());
  const copy = findMain(processes.values(), identity, unit.settings.command);
  const { stdout, stderr } = unit.settings.logs;
  const logs = [stderr, stdout].map((path) => [path, sizeOf(path)] as const);
  if (copy !== undefined) unit.adopt(copy, ownGroup(copy, processes), beganAt(copy));
  else {
    if (unit.settings.stop.tree) await clear(context, identity, processes, signal);
    if (signal.aborted) return failed(cannot(step, 'interrupted before it was started', 'interrupted'));
    unit.start(step.reason.kind === 'unhealthy');
  }
  const { startTimeout, rules } = unit.settings;
  const decided = ({ name }: State) => name !== 'STARTING' && name !== 'BACKOFF' && name !== 'STOPPING';
  await unit.until(decided, signal, startTimeout + rules.ready);
  const { state } = unit;
  const detail = logs.map(([path, from]) => tail(path, from, 5)).find((text) => text !== undefined);
  if (signal.aborted && state.name !== 'RUNNING') {
    const on = state.name === 'STARTING' ? '; its process goes on' : '';
    return failed(cannot(step, `interrupted before it was ready${on}`, 'interrupted'));
  }
  const because = whyNot(state, formatDuration(startTimeout + rules.ready));
  if (because === undefined) return state.name === 'RUNNING' ? healthy(context, unit, step, signal) : { kind: 'done' };
  if (!around.supervise) unit.giveUp(because);
  const hint = `mend it, then \`reconcile start ${step.service}\``;
  return failed({ ...cannot(step, because, 'start-failed'), hint, ...(detail === undefined ? {} : { detail }) });
}

/** Kills what an earlier start left behind: its main process is gone. */
async function clear(
  { around }: StepContext,
  identity: Identity,
  processes: Processes,
  signal: AbortSignal,
): Promise<void> {
  let left = remainsOf(processes, identity, undefined, []);
  for (let wait = 1; left.length > 0 && !signal.aborted; wait = Math.min(wait * 2, 200)) {
    for (const { pid } of left) signalTo(pid, 'SIGKILL');
    await sleep(wait);
    left = remainsOf(await around.scanner.loose(), identity, undefined, []);
  }
}

/** Waits for its own probes, if it has any. */
async function healthy({ around }: StepContext, unit: Unit, step: Step, signal: AbortSignal): Promise<Outcome> {
  const stopped = (limit: AbortSignal) => unit.until(({ name }) => name !== 'RUNNING', limit);
  const unwell = await whenHealthy(around.monitor, unit.id, unit.settings, signal, stopped);
  const log = unit.settings.logs.stderr;
  // Its end also ends the probing, whichever of the two is heard of first.
  if (unit.state.name !== 'RUNNING' && !signal.aborted && unit.settings.probes.some(({ about }) => about === 'self')) {
    const problem = cannot(step, 'it ended before its health probes passed', 'start-failed');
    return failed({ ...problem, hint: `its log is ${log}` });
  }
  if (unwell === undefined) {
    const pid = unit.pid;
    return pid === undefined ? { kind: 'done' } : { kind: 'done', pid };
  }
  const problem = cannot(step, unwell.because, unwell.code);
  if (unwell.code === 'interrupted') return failed(problem);
  const left = unwell.code === 'not-healthy' ? 'it was left running; ' : '';
  return failed({ ...problem, hint: `${left}its log is ${log}` });
}

/** Is the object still what the plan saw? What supervision does by itself meanwhile, such as a restart, is no change. */
function refusal(step: Step, found: Actual | UnreadableObject | undefined): Problem | undefined {
  const { seen } = step;
  if (found?.kind === 'unreadable') return found.problem;
  if (found?.owner.kind === 'foreign') return cannot(step, `it belongs to '${found.owner.owner}'`, 'foreign');
  const change = (what: string): Problem => ({
    ...cannot(step, `it has changed since it was planned: ${what}`, 'changed-meanwhile'),
    hint: 'nothing was done to it; run `reconcile` again',
  });
  if (seen.kind === 'absent') return found === undefined ? undefined : change('it is there now');
  if (found === undefined) return change('it is gone');
  if (found.definition.hash !== seen.hash) return change('its definition is another');
  if (!isUp(seen.run) && isUp(found.run.kind)) return change(`it was ${seen.run} and is ${found.run.kind}`);
  const recorded = found.definition.fields !== undefined;
  const pid = 'pid' in found.run ? found.run.pid : undefined;
  return recorded || seen.pid === pid ? undefined : change(`its process was ${seen.pid} and is ${pid}`);
}

function isUp(run: Actual['run']['kind']): boolean {
  return run === 'running' || run === 'starting' || run === 'backoff';
}

function notMain(id: ServiceId, pid: number): Problem {
  return {
    code: 'not-main',
    summary: `cannot take ${id} back: process ${pid} bears its stamp, but does not run its command`,
    hint: `it may be a child that was left behind: look at it, then \`kill ${pid}\``,
  };
}

function cannot({ action, service }: Step, because: string, code = 'step-failed'): Problem {
  const verb = action === 'create' ? 'start' : action === 'replace' ? 'restart' : action;
  return { code, summary: `cannot ${verb} ${service}: ${because}` };
}

function failed(problem: Problem): Outcome {
  return { kind: 'failed', problem };
}
