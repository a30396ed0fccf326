import { statOf } from '../host/procfs.ts';
import type { Desired, Observed, Outcome, Service, ServiceId, Touch, Touched } from '../model.ts';
import { topological } from '../order.ts';
import { observeAll } from '../prepare.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { writtenFields } from '../supervisors/fields.ts';
import type { Supervisors } from '../supervisors/index.ts';
import { settingsOf } from '../supervisors/shared/settings.ts';
import { livesOn, passesAgain } from '../supervisors/shared/touching.ts';
import { Turns } from '../supervisors/shared/turns.ts';
import { advice, type Chosen, choose, ends } from './choose.ts';

/** What a person wants done to what runs. */
export interface TouchRequest {
  readonly names: readonly string[];
  readonly touch: Touch;
  /** Though it ends it, or has it stand still. */
  readonly force: boolean;
}

export type TouchEvent =
  | { readonly kind: 'touching'; readonly service: ServiceId; readonly touch: Touch }
  | { readonly kind: 'touched'; readonly touched: Touched };

/** What was done, and what was passed over of groups and patterns. */
export interface Operated {
  readonly touched: readonly Touched[];
  readonly over: readonly { readonly service: ServiceId; readonly why: string }[];
}

export interface TouchMeans {
  readonly supervisors: Supervisors;
  readonly emit: (event: TouchEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * Touches services in their order: one that is after others when they are done and well again, as many of a group at a time
 * as `maxUnavailable` lets be down. Where one fails, those after it are left as they are. Fails before anything is done where
 * one can't be done, or is better done otherwise. Of a group or a pattern, what does not run is passed over.
 */
export async function operate(desired: Desired, request: TouchRequest, means: TouchMeans): Promise<Operated> {
  const { touch, force, names } = request;
  const { supervisors, signal } = means;
  const all = choose(names, desired);
  const observed = await observeAll(desired, supervisors, signal, { looking: true });
  const able = await Promise.all(all.map((one) => weigh(one, touch, force, supervisors, observed)));
  const refused = able.flatMap((one) => (one.kind === 'refused' ? [one.problem] : []));
  if (refused.length > 0) throw new Failure(...refused);
  const jobs = new Map(able.flatMap((one) => (one.kind === 'able' ? [[one.service.id, one] as const] : [])));
  if (jobs.size === 0) {
    const reasons = [...new Set(able.flatMap((one) => (one.kind === 'passed-over' ? [one.all] : [])))];
    const summary = `cannot ${touch.kind} ${names.join(', ')}: ${reasons.join('; ')}`;
    throw new Failure({ code: 'nothing-runs', summary, hint: '`reconcile status` tells what there is' });
  }
  const over = able.flatMap((one) => (one.kind === 'passed-over' ? [{ service: one.id, why: one.because }] : []));
  return { touched: await inOrder(jobs, desired, touch, means), over };
}

type Weighed =
  | { readonly kind: 'able'; readonly service: Service; readonly pid: number }
  /** `all`: why, where it is so of all of them. */
  | { readonly kind: 'passed-over'; readonly id: ServiceId; readonly because: string; readonly all: string }
  | { readonly kind: 'refused'; readonly problem: Problem };

async function weigh(
  { service, itself }: Chosen,
  touch: Touch,
  force: boolean,
  supervisors: Supervisors,
  observed: Observed,
): Promise<Weighed> {
  const { id } = service;
  const cannot = (because: string, hint?: string): Weighed =>
    itself
      ? {
          kind: 'refused',
          problem: { code: 'not-running', summary: `cannot ${touch.kind} ${id}: ${because}`, ...(hint && { hint }) },
        }
      : { kind: 'passed-over', id, because, all: NOT_RUNNING };
  const supervisor = supervisors.get(service.supervisor);
  const reading = observed.get(service.supervisor);
  if (supervisor === undefined || reading === undefined) return cannot(`${service.supervisor} was not read`);
  // Unlike what does not run, nobody can say that it is as well passed over.
  if (reading.kind === 'unreadable') return { kind: 'refused', problem: reading.problem };
  const object = reading.objects.find((one) => one.id === id);
  if (object?.kind === 'unreadable') return { kind: 'refused', problem: object.problem };
  if (object !== undefined && object.owner.kind === 'foreign') return cannot(`it belongs to '${object.owner.owner}'`);
  const { run } = object ?? {};
  if (run?.kind !== 'running' && run?.kind !== 'starting')
    return cannot(`it does not run (${run?.kind ?? 'absent'})`, `\`reconcile start ${id}\` starts it`);
  const better = force ? undefined : advice(touch, service);
  if (better !== undefined) return { kind: 'refused', problem: better };
  const problem = await supervisor.cannotTouch(service, touch);
  if (problem === undefined) return { kind: 'able', service, pid: run.pid };
  if (itself || problem.code !== 'no-reload') return { kind: 'refused', problem };
  return { kind: 'passed-over', id, because: 'nothing says how it reads its settings anew', all: NO_WAY };
}

const NOT_RUNNING = 'none of them runs';
const NO_WAY = 'nothing says how they read their settings anew (`reload` in the service file)';

type Job = Extract<Weighed, { readonly kind: 'able' }>;

async function inOrder(
  jobs: ReadonlyMap<ServiceId, Job>,
  { services, policy }: Desired,
  touch: Touch,
  means: TouchMeans,
): Promise<readonly Touched[]> {
  const after = new Map(services.map((service) => [service.id, service.afterIds ?? []]));
  const order = topological(after.keys(), (id) => after.get(id) ?? []).filter((id) => jobs.has(id));
  const turns = new Map(
    Object.entries(policy.written.groups ?? {}).flatMap(([group, { maxUnavailable }]) =>
      maxUnavailable === undefined ? [] : [[group, new Turns(maxUnavailable)] as const],
    ),
  );
  const done = new Map<ServiceId, Promise<Touched>>();
  for (const id of order) {
    const job = jobs.get(id);
    if (job === undefined) continue;
    // A signal is nothing to wait for.
    const before = touch.kind === 'signal' ? [] : nearest(id, after, jobs).map((one) => done.get(one));
    const turn = touch.kind === 'signal' ? undefined : turns.get(job.service.group ?? '');
    done.set(id, walk(job, touch, before, turn, means));
  }
  return Promise.all(done.values());
}

/** What is touched too and comes before it, through whatever is not. */
function nearest(
  id: ServiceId,
  after: ReadonlyMap<ServiceId, readonly ServiceId[]>,
  jobs: ReadonlyMap<ServiceId, Job>,
): readonly ServiceId[] {
  return (after.get(id) ?? []).flatMap((one) => (jobs.has(one) ? [one] : nearest(one, after, jobs)));
}

async function walk(
  job: Job,
  touch: Touch,
  before: readonly (Promise<Touched> | undefined)[],
  turns: Turns | undefined,
  means: TouchMeans,
): Promise<Touched> {
  const { id, supervisor } = job.service;
  const failed = (await Promise.all(before)).find((one) => one !== undefined && one.outcome.kind !== 'done');
  const act = async (): Promise<Touched> => {
    const begun = performance.now();
    const why =
      failed === undefined
        ? means.signal.aborted && 'interrupted before it began'
        : `${failed.service} comes first and ${failed.outcome.kind === 'failed' ? 'failed' : 'was skipped'}`;
    const result = why ? skipped(id, touch, why) : await touchOne(job, touch, means);
    const touched = { service: id, supervisor, touch, took: performance.now() - begun, ...result };
    means.emit({ kind: 'touched', touched });
    return touched;
  };
  return turns === undefined ? act() : turns.take(Number.POSITIVE_INFINITY, never, act);
}

function never(): Error {
  return new Error('a turn waits as long as it takes');
}

type Result = Pick<Touched, 'outcome' | 'ended'>;

function skipped(id: ServiceId, touch: Touch, why: string): Result {
  const problem = { code: 'skipped', summary: `did not ${touch.kind} ${id}: ${why}` };
  return { ended: false, outcome: { kind: 'skipped', problem } };
}

async function touchOne(
  { service, pid }: Job,
  touch: Touch,
  { supervisors, emit, signal }: TouchMeans,
): Promise<Result> {
  const { id } = service;
  emit({ kind: 'touching', service: id, touch });
  const failed = (because: string, hint: string): Outcome => ({
    kind: 'failed',
    problem: { code: 'touch-failed', summary: `cannot ${touch.kind} ${id}: ${because}`, hint },
  });
  try {
    const stat = statOf(pid);
    const supervisor = supervisors.get(service.supervisor);
    if (supervisor === undefined) throw new Error(`no supervisor ${service.supervisor}`);
    const outcome = await supervisor.touch(service, touch, pid, signal);
    if (outcome.kind !== 'done' || stat === undefined) return { outcome, ended: false };
    if (touch.kind === 'signal' && ends(touch, service)) return { outcome, ended: true };
    const ended = !(await livesOn({ pid, start: stat.start }, signal));
    if (touch.kind === 'signal') return { outcome, ended };
    if (ended) {
      const hint = `it has no handler for that, or reads its settings by starting anew: take \`reload\` out of ${service.file}, and use reconcile restart ${id}`;
      return { outcome: failed('its process ended by it', hint), ended };
    }
    const ill = await passesAgain(id, settingsOf(id, writtenFields(service), '/'), pid, signal);
    if (ill === undefined) return { outcome, ended };
    const hint = `it was left running; what it said: reconcile status ${id}`;
    return { outcome: failed(`it was told to, and is not well since: ${ill}`, hint), ended };
  } catch (error) {
    return { outcome: failed(why(error), '`reconcile status` tells how it is'), ended: false };
  }
}
