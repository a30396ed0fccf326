import type { Monitor } from '../../health/health.ts';
import type { Actual, Outcome, OwnStep, ServiceId, Step } from '../../model.ts';
import { type Problem, unreachable } from '../../problem.ts';
import { cannot, changedMeanwhile, done, failed } from '../shared/outcome.ts';
import { whenHealthy } from '../shared/probing.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';
import { tail } from '../shared/tail.ts';
import type { Child } from './children.ts';
import { unless } from './fault.ts';
import type { Link } from './link.ts';
import { leavePool, loadPool, removePool, whyNotAlone, whyOther } from './pool-steps.ts';
import { programsFile, writeParts } from './programs-file.ts';
import type { ProcessInfo, Supervisord } from './rpc.ts';
import { isCurrent, STATE } from './runs.ts';
import { settingsDigest } from './settings-digest.ts';
import { ended, ready, stopped, type Wake } from './waiting.ts';

export interface StepContext {
  readonly link: Link;
  readonly owner: string;
  readonly wake: Wake;
  readonly monitor: Monitor;
  readonly logDir: string;
  /** Begins to probe a service's health, where it has probes. */
  readonly probe: (id: ServiceId, settings: Settings, pid: number | undefined) => Promise<void>;
  /** Somebody has said something of it: its restarts are counted anew. */
  readonly renew: () => void;
  /** No restart can heal it. */
  readonly giveUp: (reason: string) => void;
  /** Has supervisord read its files, once for all that ask at the same time. */
  readonly reread: () => Promise<Reread>;
}

/** Groups by how the files differ from what supervisord holds. */
export type Reread = Awaited<ReturnType<Supervisord['reloadConfig']>>;

/** Takes one step, whose files are written and read by supervisord, and waits for its result. Throws what it says. */
export async function take(context: StepContext, step: OwnStep, signal: AbortSignal): Promise<Outcome> {
  const { link } = context;
  const id = step.service;
  if (step.action === 'update') return done(step.seen.kind === 'present' ? step.seen.pid : undefined);
  const info = await link.info(id);
  const changed = refusal(step, info);
  if (changed !== undefined) return failed(changed);
  // What is restarted to keep it well was counted before.
  if (step.reason.kind !== 'unhealthy') context.renew();
  switch (step.action) {
    case 'create':
    case 'start':
    case 'replace':
    case 'restart':
      if (step.effect !== 'none') return start(context, step, info, signal);
      await load(context, step, info);
      return { kind: 'done' };
    case 'stop':
      return (await stop(context, step, info, signal)) ?? { kind: 'done' };
    case 'remove': {
      const problem = await stop(context, step, info, signal);
      if (problem !== undefined) return problem;
      const pool = link.poolOf(id);
      if (pool === undefined && info !== undefined) await link.rpc().removeProcessGroup(id).catch(unless('BAD_NAME'));
      writeParts(programsFile(link.instance, context.owner), [[id, undefined]]);
      if (pool !== undefined) await removePool(context, pool);
      // Lest a person adds again what it still remembers.
      await context.reread();
      return { kind: 'done' };
    }
    default:
      return unreachable(step.action);
  }
}

async function start(
  context: StepContext,
  step: Step,
  info: ProcessInfo | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const { link, monitor, logDir } = context;
  const { service: id, target } = step;
  if (target === undefined) throw new Error(`no target of ${step.id}`);
  const { hash, fields } = target.definition;
  const settings = settingsOf(id, fields, logDir);
  const autostart = target.service.autostart;
  const from = isAlive(info) ? link.children().get(id) : undefined;
  // A supervisord that was just started has started its programs by itself, from the same files.
  const fresh = isCurrent(from, hash, settingsDigest(fields, autostart)) && isNew(step, from);
  if (!fresh) {
    const alone = await whyNotAlone(context, step);
    if (alone !== undefined) return failed(notLoaded(step, alone));
    const problem = await stop(context, step, info, signal);
    if (problem !== undefined) return problem;
    await load(context, step, await link.info(id));
    await link.rpc().startProcess(link.nameOf(id)).catch(unless('ALREADY_STARTED', 'SPAWN_ERROR'));
  }
  const end = await ready(link, context.wake, id, settings, signal);
  switch (end.kind) {
    case 'ready': {
      const other = whyOther(context, step);
      if (other !== undefined) return failed(notLoaded(step, other));
      await context.probe(id, settings, end.pid);
      let exit: string | undefined;
      const ill = await whenHealthy(monitor, id, settings, signal, async (limit) => {
        exit = await ended(link, context.wake, id, end.pid, settings, limit);
      });
      if (ill === undefined) return done(end.pid);
      if (ill.code === 'start-failed') return failed(notStarted(step, settings, `${ill.because}: ${exit}`));
      return failed({
        ...cannot(step, ill.because, ill.code),
        hint: `it was left running; its output: ${outputOf(settings)}`,
      });
    }
    case 'ended-well':
      return { kind: 'done' };
    case 'interrupted':
      return failed(cannot(step, 'interrupted before it was ready; supervisord goes on with it', 'interrupted'));
    case 'failed':
      if (end.permanent) {
        context.giveUp(end.because);
        await link.rpc().stopProcess(link.nameOf(id)).catch(unless('NOT_RUNNING', 'BAD_NAME'));
      }
      return failed(notStarted(step, settings, end.because));
    default:
      return unreachable(end);
  }
}

function notLoaded(step: Step, because: string): Problem {
  const name = step.target?.service.name ?? step.service;
  return { ...cannot(step, because, 'not-loaded'), hint: `restart all of it: reconcile restart ${name}` };
}

const LINES = 5;

function notStarted(step: Step, settings: Settings, because: string): Problem {
  const detail = [settings.logs.stderr, settings.logs.stdout]
    .map((path) => tail(path, 0, LINES))
    .find((text) => text !== undefined);
  return {
    ...cannot(step, because, 'start-failed'),
    hint: `mend it, then \`reconcile start ${step.service}\`; all it said: ${outputOf(settings)}`,
    ...(detail === undefined ? {} : { detail }),
  };
}

function outputOf({ logs }: Settings): string {
  return logs.stderr === logs.stdout ? logs.stdout : `${logs.stderr}, ${logs.stdout}`;
}

/** Makes supervisord hold what the file says: only adding reads it, and only what is not there can be added. */
async function load(context: StepContext, step: Step, info: ProcessInfo | undefined): Promise<void> {
  const { link, reread } = context;
  const rpc = link.rpc();
  const { service: id, target } = step;
  if (target?.definition.pool !== undefined) return loadPool(context, step, target.definition.pool);
  const neighbours = link.place.groups.get(id);
  if (neighbours !== undefined) return loadGroup(context, neighbours);
  await leavePool(context, step);
  if (info !== undefined) await rpc.removeProcessGroup(id).catch(unless('BAD_NAME'));
  const added = await rpc.addProcessGroup(id).then(() => true, unless('ALREADY_ADDED', 'BAD_NAME'));
  if (added === true) return;
  // It has not read the file yet: it was down, or a run ended before it could be told.
  await reread();
  await rpc.removeProcessGroup(id).catch(unless('BAD_NAME'));
  await rpc.addProcessGroup(id);
}

/** A group that others made is taken out and put back whole, and what ran of it is started again: a person said so. */
async function loadGroup(
  { link, wake, logDir }: StepContext,
  { group, others }: NonNullable<Actual['neighbours']>,
): Promise<void> {
  const rpc = link.rpc();
  const names = others.map((other) => `${group}:${other}`);
  const ran = (await rpc.processInfo(names)).flatMap((info) =>
    info !== undefined && isAlive(info) ? [info.name] : [],
  );
  const { rules } = settingsOf(group, {}, logDir);
  for (const name of ran) await rpc.stopProcess(`${group}:${name}`).catch(unless('NOT_RUNNING'));
  for (const name of ran) await stopped(() => isDown(link, name), wake, rules.stopTimeout, NEVER);
  await rpc.removeProcessGroup(group).catch(unless('BAD_NAME'));
  await rpc.addProcessGroup(group);
  for (const name of ran) await rpc.startProcess(`${group}:${name}`).catch(unless('ALREADY_STARTED', 'SPAWN_ERROR'));
}

const NEVER = new AbortController().signal;

/** Stops what runs; undefined where it is down, else what became of it. */
async function stop(
  { link, wake, monitor, logDir }: StepContext,
  step: Step,
  info: ProcessInfo | undefined,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  monitor.forget(step.service);
  if (info === undefined || !(isAlive(info) || info.state === STATE.backoff || info.state === STATE.stopping)) {
    return undefined;
  }
  const { rules } = settingsOf(step.service, step.target?.definition.fields ?? {}, logDir);
  await link.rpc().stopProcess(link.nameOf(step.service)).catch(unless('NOT_RUNNING', 'BAD_NAME'));
  const end = await stopped(() => isDown(link, step.service), wake, rules.stopTimeout, signal);
  if (end === 'stopped') return undefined;
  if (end === 'interrupted') return failed(cannot(step, 'interrupted while it was stopping', 'interrupted'));
  return failed(cannot(step, 'it did not end, though supervisord was asked to stop it'));
}

async function isDown(link: Link, id: ServiceId): Promise<boolean> {
  const info = await link.info(id);
  return info === undefined || info.pid === 0;
}

/** Is the program still in the state that the plan saw? Its file was compared before it was written. */
function refusal(step: Step, now: ProcessInfo | undefined): Problem | undefined {
  const { seen, effect } = step;
  if (seen.kind === 'absent') return undefined;
  const ends = effect === 'stop' || effect === 'restart';
  const had = seen.pid ?? 0;
  if (!ends || seen.run !== 'running' || had === 0 || now === undefined || !isAlive(now) || now.pid === had) {
    return undefined;
  }
  // What its supervisor restarted meanwhile is still the same service.
  if (step.reason.kind === 'with' || now.start * 1000 > Date.now() - RECENT) return undefined;
  return changedMeanwhile(step, `its process was ${had} and is ${now.pid}`);
}

/** ms. A process that is younger than a plan can be was started by supervision meanwhile. */
const RECENT = 60_000;

/** Was it started after the plan saw another one, or none? */
function isNew({ seen }: Step, child: Child | undefined): boolean {
  return seen.kind === 'absent' || seen.pid === undefined || seen.pid !== child?.pid;
}

function isAlive(info: ProcessInfo | undefined): boolean {
  return info !== undefined && (info.state === STATE.running || info.state === STATE.starting);
}
