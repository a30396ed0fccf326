import type {
  Action,
  Actual,
  Definition,
  Drift,
  FieldChange,
  FieldTable,
  Notice,
  Reason,
  Service,
  Step,
  StepEffect,
} from '../model.ts';
import { type Problem, unreachable } from '../problem.ts';
import { withoutBlocked } from './blocked.ts';
import { changed, changesBetween, restarts, stages } from './changes.ts';
import { difference, isOfOthers } from './difference.ts';
import { alive, type Draft, remove, step } from './draft.ts';
import { type Hold, withDrift } from './drift.ts';
import { exitAllowed } from './exits.ts';
import { type Writes, writesFor } from './files.ts';
import { besides, unknownProcess } from './notices.ts';
import { type MakeStep, type Unwell, withUnwell } from './unwell.ts';

/** One declared service and what its supervisor has for it; whatever it has is ours and was read. */
export interface Case {
  readonly service: Service;
  readonly actual: Actual | undefined;
  /** Undefined for an absent service alone. */
  readonly definition: Definition | undefined;
  readonly table: FieldTable;
  /** A person asks to start it. */
  readonly asked: boolean;
  /** It takes the place of another that is running: a rename carries the run state over. */
  readonly carried: boolean;
  readonly blocked: Problem | undefined;
  /** What is staged is to take effect now, whatever Git says of it. */
  readonly restartStaged: boolean;
  /** It is known not to have been started yet for what Git wants now: that it fails says nothing of that. */
  readonly untried: boolean;
  /** One of its probes fails, and says what to do about it. */
  readonly unwell: Unwell | undefined;
  /** Where Git has not changed since it was last as desired: what to do about what somebody has changed. */
  readonly drifting: { readonly drift: Drift; readonly hold: Hold | undefined } | undefined;
}

/** A case with what has to be written for it. */
type Weighed = Case & { readonly changes: readonly FieldChange[]; readonly writes: Writes };

/** A case whose object has a definition to compare with. */
interface Compared extends Weighed {
  readonly actual: Actual;
  readonly definition: Definition;
}

type Decision = Pick<Draft, 'steps' | 'held' | 'notices'>;

const NOTHING: Decision = { steps: [], notices: [] };

/** What one service needs to become as desired, by itself: other services are no matter here. */
export function decide(c: Case): Draft {
  const { id, supervisor } = c.service;
  const changes = changesOf(c);
  const free = decideFreely({ ...c, changes, writes: writesFor(c.actual, c.definition, changes.length === 0) });
  const left =
    c.drifting === undefined || c.asked ? free : withDrift(free, c.drifting.drift, c.drifting.hold, c.actual?.run);
  const { notices, ...decision } = withoutBlocked(c.blocked, left);
  return { service: id, supervisor, ...decision, notices: [...notices, ...besides(c.actual)] };
}

function decideFreely(c: Weighed): Decision {
  const { service, actual, definition } = c;
  if (service.state === 'absent') {
    if (actual === undefined) return NOTHING;
    return { steps: [remove(actual, service.supervisor, { kind: 'not-wanted', state: 'absent' })], notices: [] };
  }
  if (definition === undefined) throw new Error(`no definition of ${service.id}`);
  if (actual === undefined) return create(c);
  const compared = { ...c, actual, definition };
  if (actual.definition.fields === undefined && alive(actual.run) && !isOfOthers(actual))
    return decideProcess({ ...compared, changes: [] });
  const decision = decideState(compared);
  const runs = service.state === 'running' || service.state === 'manual';
  if (c.unwell === undefined || !runs) return decision;
  const make: MakeStep = (action, reason) => behind(to(compared, action, reason, action), decision.steps[0]);
  return withUnwell(decision, c.unwell, compared, make);
}

function decideState(c: Compared): Decision {
  const { service } = c;
  switch (service.state) {
    case 'running':
      return decideRunning(c);
    case 'manual':
      return decideManual(c);
    case 'stopped':
    case 'disabled':
      return decideStopped(c);
    case 'absent':
      throw new Error(`${service.id} is to be absent`);
    default:
      return unreachable(service.state);
  }
}

/** What differs from the definition that is there; nothing where there is none to compare with. */
function changesOf({ actual, definition, table }: Case): readonly FieldChange[] {
  // Nobody can tell what of it is otherwise: it is taken as it is.
  if (actual === undefined || definition === undefined || isOfOthers(actual)) return [];
  const { fields = {}, hash = '' } = actual.definition;
  return changesBetween({ hash, fields }, definition, table);
}

function create(c: Weighed): Decision {
  const { service } = c;
  const called = c.asked || c.carried;
  const starts = service.state === 'running' ? service.autostart || called : service.state === 'manual' && called;
  const notices: Notice[] =
    service.state === 'running' && !starts ? [{ kind: 'first-start', service: service.id }] : [];
  return { steps: [to(c, 'create', { kind: 'missing' }, starts ? 'start' : 'none')], notices };
}

/** A process of ours whose supervisor's record is gone. */
function decideProcess(c: Compared): Decision {
  const { service, actual, definition } = c;
  const adopt = to(c, 'update', { kind: 'adopted' }, 'pid unchanged');
  if (service.state === 'stopped' || service.state === 'disabled')
    return { steps: [adopt, stop(c, adopt)], notices: [] };
  if (actual.definition.hash === undefined) return { steps: [], notices: unknownProcess(c.actual) };
  if (actual.definition.hash === definition.hash || staged(c)) return { steps: [adopt], notices: [] };
  return { steps: [to(c, 'replace', { kind: 'stale-process' }, 'restart')], notices: [] };
}

function decideRunning(c: Compared): Decision {
  const { service, changes } = c;
  const { run } = c.actual;
  const restart = restarts(changes);
  switch (run.kind) {
    case 'running':
    case 'starting':
      if (restart ? !staged(c) : stages(changes) && forced(c)) {
        return { steps: [to(c, 'replace', changed(changes), 'restart')], notices: [] };
      }
      return restart ? update(c) : keep(c);
    case 'stopping':
    case 'stopped':
      if (run.stoppedWith !== undefined && isLeft(c)) {
        return { ...update(c), held: { kind: 'stopped-with', unit: run.stoppedWith } };
      }
      // What is to be healed is so once it is down: until then a start would break off somebody's stop.
      if (run.kind === 'stopping' && run.byHand && !c.asked && c.drifting?.drift === 'heal') {
        return { ...update(c), held: { kind: 'stopping' } };
      }
      if (run.kind === 'stopping' || run.started || service.autostart || c.asked) return start(c);
      return { ...update(c), notices: [{ kind: 'first-start', service: service.id }] };
    case 'exited': {
      const again = c.asked || (restart && !staged(c)) || !exitAllowed(service, run.exit);
      return again ? start(c) : update(c);
    }
    case 'backoff':
      if (restart ? !staged(c) : stages(changes) && forced(c)) {
        return { steps: [to(c, 'replace', changed(changes), 'restart')], notices: [] };
      }
      return c.asked ? start(c) : update(c);
    case 'fatal':
      return restart || c.asked || c.untried ? start(c) : { ...update(c), held: { kind: 'fatal', run } };
    case 'held':
      return restart || c.asked || c.untried ? start(c) : { ...update(c), held: { kind: 'spent', run } };
    default:
      return unreachable(run);
  }
}

/** Neither a person nor Git says anything new of it, and it is not to be healed whatever was done to it. */
function isLeft({ asked, drifting }: Case): boolean {
  return !asked && drifting !== undefined && drifting.drift !== 'heal';
}

/** The run state is left as found; the definition is kept up, and so waits for the next start. */
function decideManual(c: Compared): Decision {
  if (alive(c.actual.run)) return restarts(c.changes) ? update(c) : keep(c);
  return c.asked ? start(c) : update(c);
}

function decideStopped(c: Compared): Decision {
  const { kind } = c.actual.run;
  const { steps } = update(c);
  switch (kind) {
    case 'running':
    case 'starting':
    case 'stopping':
    case 'backoff':
    // After its cooldown it would be tried again.
    case 'held':
      return { steps: [...steps, stop(c, steps[0])], notices: [] };
    case 'stopped':
    case 'exited':
    case 'fatal':
      return { steps, notices: [] };
    default:
      return unreachable(kind);
  }
}

/** A living process that no change may restart: its live changes, and whether it stems from what is defined. */
function keep(c: Compared): Decision {
  const { run } = c.actual;
  const { steps } = update(c);
  if (!alive(run)) return { steps, notices: [] };
  switch (run.definition) {
    case 'current':
      return { steps, notices: [] };
    case 'unknown':
      if (c.restartStaged && !isOfOthers(c.actual)) {
        return { steps: [...steps, behind(to(c, 'restart', { kind: 'staged' }, 'restart'), steps[0])], notices: [] };
      }
      return { steps, notices: isOfOthers(c.actual) ? [] : unknownProcess(c.actual) };
    case 'stale':
    case 'staged': {
      const stale = run.definition === 'stale';
      if (stale ? staged(c) : !forced(c)) {
        return { steps, notices: [{ kind: 'staged', service: c.service.id, changes: [] }] };
      }
      const restart = to(c, 'restart', { kind: stale ? 'stale-process' : 'staged' }, 'restart');
      return { steps: [...steps, behind(restart, steps[0])], notices: [] };
    }
    default:
      return unreachable(run.definition);
  }
}

/** The new definition, without touching a process; nothing where it is the same. */
function update(c: Compared): Decision {
  const reason = difference(c);
  if (reason === undefined) return NOTHING;
  const { run } = c.actual;
  const effect = alive(run) || run.kind === 'stopping' ? 'pid unchanged' : 'none';
  return { steps: [to(c, 'update', reason, effect)], notices: [] };
}

/** Starts what has no process, from the new definition. */
function start(c: Compared): Decision {
  const differs = difference(c);
  // What only is to start at boot, or not, is set by the start itself: under supervisord that is a line of its file.
  const isBoot =
    differs?.kind === 'boot' ||
    (differs?.kind === 'files' && differs.by === 'us' && c.service.supervisor.startsWith('supervisord/'));
  if (differs !== undefined && !isBoot) {
    return { steps: [to(c, 'replace', differs, 'start')], notices: [] };
  }
  const reason: Reason = c.asked ? { kind: 'asked' } : { kind: 'not-running', run: c.actual.run.kind };
  return { steps: [to(c, 'start', reason, 'start')], notices: [] };
}

/** The stop of a service whose definition is brought up to date first, so that it says how to stop. */
function stop(c: Compared, first: Step | undefined): Step {
  return behind(to(c, 'stop', { kind: 'not-wanted', state: c.service.state }, 'stop'), first);
}

/** The second of two steps of one service: it will see what the first has written. */
function behind(later: Step, first: Step | undefined): Step {
  if (first === undefined || later.seen.kind === 'absent') return later;
  const hash = first.target?.definition.hash;
  const { files: _, boot: __, ...rest } = later;
  return { ...rest, after: [first.id], seen: { ...later.seen, hash } };
}

/** Must it not be restarted to make a change take effect? */
function staged(c: Case): boolean {
  return (c.service.changes === 'staged' || c.service.state === 'manual') && !c.restartStaged;
}

/** Is it to be restarted even for what can wait for its next start? Only where somebody said so. */
function forced(c: Case): boolean {
  return c.restartStaged || (c.service.written.changes === 'now' && c.service.state !== 'manual');
}

function to(c: Weighed, action: Action, reason: Reason, effect: StepEffect): Step {
  const target = c.definition === undefined ? undefined : { service: c.service, definition: c.definition };
  return { ...step(action, c.service, reason, effect, c.actual, target), ...c.writes };
}
