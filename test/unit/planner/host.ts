/** A model of the host: what supervisors would hold after every step of a plan was done. */
import type { Actual, Definition, Observed, Plan, Reading, Run, Step, SupervisorName } from '../../../src/model.ts';
import { unreachable } from '../../../src/problem.ts';

let pids = 100_000;

export function applied(plan: Plan, observed: Observed): Observed {
  const readings = new Map<SupervisorName, Reading>(observed);
  const done = new Set<string>();
  for (const step of plan.steps) {
    for (const before of step.after) if (!done.has(before)) throw new Error(`${step.id} stands before ${before}`);
    const reading = readings.get(step.supervisor);
    if (reading?.kind !== 'read') throw new Error(`${step.id} is for an unreadable supervisor`);
    if (step.action === 'handover') {
      handOver(step, readings);
      done.add(step.id);
      continue;
    }
    readings.set(step.supervisor, { kind: 'read', objects: taken(step, reading.objects) });
    done.add(step.id);
  }
  return readings;
}

/** The old one goes from where it is, and the new one runs where the old one did, or should. */
function handOver(step: Step, readings: Map<SupervisorName, Reading>): void {
  for (const old of step.handover?.from ?? []) {
    if (old.kind !== 'own') throw new Error(`${step.id}: no thing is in this model`);
    const reading = readings.get(old.supervisor);
    if (reading?.kind !== 'read') throw new Error(`${step.id}: ${old.supervisor} is unreadable`);
    const left = reading.objects.filter(({ id }) => id !== old.id);
    if (left.length === reading.objects.length) throw new Error(`${step.id}: no ${old.id} under ${old.supervisor}`);
    readings.set(old.supervisor, { kind: 'read', objects: left });
  }
  const reading = readings.get(step.supervisor);
  if (reading?.kind !== 'read') throw new Error(`${step.id} is for an unreadable supervisor`);
  const object = reading.objects.find(({ id }) => id === step.service);
  if (object?.kind === 'unreadable') throw new Error(`${step.id} is for an unreadable object`);
  const running: Run = { kind: 'running', pid: pids++, since: 0, definition: 'current' };
  const after: Actual = step.handover?.runs
    ? the(step, object)
    : make(step, step.handover?.starts ? running : { kind: 'stopped', started: false });
  readings.set(step.supervisor, { kind: 'read', objects: [...reading.objects.filter((o) => o !== object), after] });
}

type Objects = Extract<Reading, { kind: 'read' }>['objects'];

function taken(step: Step, objects: Objects): Objects {
  const object = objects.find(({ id }) => id === step.service);
  if (object?.kind === 'unreadable') throw new Error(`${step.id} is for an unreadable object`);
  if (object?.owner.kind === 'foreign') throw new Error(`${step.id} is for an object that is not ours`);
  check(step, object);
  const others = objects.filter((other) => other !== object);
  const after = result(step, object);
  return after === undefined ? others : [...others, after];
}

/** As a supervisor does: refuses what is not as the plan saw it. */
function check({ id, seen }: Step, object: Actual | undefined): void {
  if (seen.kind === 'absent' ? object !== undefined : object === undefined) throw new Error(`${id}: saw ${seen.kind}`);
  if (seen.kind === 'absent' || object === undefined) return;
  const pid = 'pid' in object.run ? object.run.pid : undefined;
  if (seen.hash !== object.definition.hash || seen.run !== object.run.kind || seen.pid !== pid) {
    throw new Error(`${id}: saw ${JSON.stringify(seen)}, is ${JSON.stringify(object)}`);
  }
}

function result(step: Step, object: Actual | undefined): Actual | undefined {
  const running: Run = { kind: 'running', pid: pids++, since: 0, definition: 'current' };
  switch (step.action) {
    case 'create':
      return make(step, step.effect === 'start' ? running : { kind: 'stopped', started: false });
    case 'replace':
      return make(step, step.effect === 'none' ? the(step, object).run : running);
    case 'start':
    case 'restart':
      return { ...the(step, object), run: running };
    case 'stop':
      return { ...the(step, object), run: { kind: 'stopped', started: true } };
    case 'update':
      return { ...the(step, object), definition: target(step), run: kept(the(step, object), target(step)) };
    case 'remove':
      return undefined;
    case 'handover':
    case 'retire':
    case 'give-back':
      throw new Error(`${step.id} is no supervisor's step`);
    default:
      return unreachable(step.action);
  }
}

/** A process that an update leaves alone stems from an older definition where the restart fields differ. */
function kept({ run, definition }: Actual, to: Definition): Run {
  if (run.kind !== 'running' && run.kind !== 'starting') return run;
  if (definition.hash === undefined) return { ...run, definition: 'unknown' };
  if (definition.hash !== to.hash) return { ...run, definition: 'stale' };
  return definition.fields === undefined ? { ...run, definition: 'current' } : run;
}

function make(step: Step, run: Run): Actual {
  const { service } = step;
  return { kind: 'actual', id: service, owner: { kind: 'ours' }, definition: target(step), run, restarts: 0 };
}

function target(step: Step): Definition {
  if (step.target === undefined) throw new Error(`${step.id} has no target`);
  return step.target.definition;
}

function the(step: Step, object: Actual | undefined): Actual {
  if (object === undefined) throw new Error(`${step.id}: nothing there`);
  return object;
}
