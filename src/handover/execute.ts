import type { Gap, Handover, Outcome, Predecessor, ServiceId, Step, Target } from '../model.ts';
import type { Problem } from '../problem.ts';
import { gapOf } from './gap.ts';
import { type Means, NEVER, own, ownStep, problemOf, Stuck } from './means.ts';
import { blockOld, disableOld, nameOfOld, restoreOld, stopOld, wasUp } from './old.ts';
import { soak } from './soak.ts';
import { runsUnder } from './stamped.ts';
import { DISTURBED } from './witness.ts';

/**
 * One handover, whose new definition is written and loaded:
 *
 *   block ──> stop old ──> start new, ready and healthy ──> soak ──> disable old ──> enable new ──> done
 *     │          │                      │                    │
 *     └──────────┴──────────────────────┴────────────────────┴──> stop new ──> restore old ──> remove new: reversed
 *
 * What is done already is passed over, so that a run that was killed is finished by the next. Once the old one is
 * given up nothing is reversed any more: what is left to do is done by the next run. Never throws.
 */
export async function handOver(means: Means, step: Step, handover: Handover, signal: AbortSignal): Promise<Outcome> {
  const { service: id } = step;
  const { from, marks, begun, runs, starts } = handover;
  const ran = from.some(wasUp) || begun?.ran === true;
  const log: Undo = { blocked: [], stopped: false, started: false };
  let pid = step.seen.kind === 'present' ? step.seen.pid : undefined;
  let gap: Gap | undefined;
  // Before anything is stopped: what it costs is no part of the time that nothing runs.
  const sight = await means.witness.begin(step, handover);
  try {
    means.begun.write(id, { ran, at: begun?.at ?? Date.now() });
    await means.alone(async () => {
      for (const [i, old] of from.entries()) {
        log.blocked.push(old);
        await blockOld(means, id, old, marks[i], NEVER);
      }
      if (signal.aborted) {
        for (const [i, old] of from.entries()) await restoreOld(means, id, old, marks[i], false, NEVER);
        // Nothing was done: that it ran is no reason to start it some other time.
        if (begun === undefined) means.begun.end(id);
        throw interrupted(id);
      }
      const stopAll = async () => {
        log.stopped = true;
        let last: number | undefined;
        for (const old of from) last = await stopOld(means, id, old, handover.patience, NEVER);
        return wasUpAny(from) ? last : undefined;
      };
      const begin = async () => {
        if (!starts || runs) return undefined;
        log.started = true;
        const started = await startNew(means, step, handover);
        sight.started();
        return started;
      };
      if (handover.order === 'start-first') {
        const started = await begin();
        pid = started?.pid ?? pid;
        await stopAll();
        if (started !== undefined) gap = { process: 0, ready: 0 };
      } else {
        const gone = await stopAll();
        const started = await begin();
        pid = started?.pid ?? pid;
        if (gone !== undefined && started?.pid !== undefined) gap = gapOf(gone, started.pid, started.ready);
      }
    });
    if (pid !== undefined && starts && handover.soak > 0) {
      means.tell(id, 'soak', 'proving that it stays well');
      await soak(means, id, pid, handover.soak, signal);
    }
  } catch (error) {
    const problem = await sight.blame(problemOf(error, id));
    // What was interrupted stands as it is: the next run goes on from there.
    if (problem.code === 'interrupted') return { kind: 'failed', problem };
    return reverse(means, step, handover, log, problem);
  }
  for (const sentence of await sight.close()) means.tell(id, 'soak', `others were at it meanwhile: ${sentence}`);
  return finish(means, step, handover, pid, gap);
}

interface Undo {
  readonly blocked: Predecessor[];
  stopped: boolean;
  started: boolean;
}

function wasUpAny(from: readonly Predecessor[]): boolean {
  return from.some(wasUp);
}

/** Starts the new one from what was loaded, and waits until it is ready and healthy. */
async function startNew(
  means: Means,
  step: Step,
  { interim }: Handover,
): Promise<{ readonly pid?: number; readonly ready: number }> {
  const target = interim ?? step.target;
  if (target === undefined) throw new Error(`no target of ${step.id}`);
  means.tell(step.service, 'start', `starting it under ${step.supervisor}`);
  const supervisor = means.supervisors.get(step.supervisor);
  if (supervisor === undefined) throw new Error(`no supervisor for ${step.id}`);
  // Its files are written and read: nothing has to be prepared while nothing runs.
  const start = ownStep('start', { ...step, target }, 'start', stoppedWith(target));
  const outcome = await supervisor.apply({ ...start, action: 'start' }, NEVER);
  if (outcome.kind !== 'done') throw new Stuck(outcome.problem);
  return { ready: performance.now(), ...(outcome.pid === undefined ? {} : { pid: outcome.pid }) };
}

function stoppedWith({ definition }: Target): Step['seen'] {
  return { kind: 'present', hash: definition.hash, run: 'stopped' };
}

/** The old way is given up, and the new one is as Git says at boot too. */
async function finish(
  means: Means,
  step: Step,
  handover: Handover,
  pid: number | undefined,
  gap: Gap | undefined,
): Promise<Outcome> {
  const { service: id, files, boot, target, supervisor } = step;
  try {
    for (const [i, old] of handover.from.entries()) await disableOld(means, id, old, handover.marks[i], NEVER);
    if ((files !== undefined || boot !== undefined) && target !== undefined) {
      means.tell(id, 'enable', 'making its start at boot as declared');
      const seen: Step['seen'] = { ...stoppedWith(handover.interim ?? target), ...(pid === undefined ? {} : { pid }) };
      const more = { ...(files === undefined ? {} : { files }), ...(boot === undefined ? {} : { boot }) };
      const effect = pid === undefined ? 'none' : 'pid unchanged';
      await own(means, ownStep('update', { service: id, supervisor, target }, effect, seen, more), NEVER);
    }
    means.begun.end(id);
    means.reversed.end(id);
    means.tell(id, 'done', 'handed over');
    return { kind: 'done', ...(pid === undefined ? {} : { pid }), ...(gap === undefined ? {} : { gap }) };
  } catch (error) {
    const { summary, ...problem } = problemOf(error, id);
    const text = `${id} runs under ${supervisor}, but its handover is not finished: ${summary}`;
    return {
      kind: 'failed',
      problem: { ...problem, summary: text, hint: 'run `reconcile` again: it goes on from there' },
    };
  }
}

/** Everything as it was: what of that can't be done is said, and all the rest is done. */
async function reverse(means: Means, step: Step, handover: Handover, log: Undo, because: Problem): Promise<Outcome> {
  const { service: id, supervisor } = step;
  const target = handover.interim ?? step.target;
  const undone: string[] = [];
  const amiss: string[] = [];
  const attempt = async (what: string, act: () => Promise<unknown>) => {
    try {
      await act();
      undone.push(what);
      return true;
    } catch (error) {
      amiss.push(problemOf(error, id).summary);
      return false;
    }
  };
  let clear = true;
  // An earlier run may have started it.
  if ((log.started || handover.runs) && target !== undefined) {
    means.tell(id, 'stop new', `stopping it under ${supervisor}: ${because.summary}`);
    const seen: Step['seen'] = { kind: 'present', hash: target.definition.hash, run: 'starting' };
    const stop = ownStep('stop', { service: id, supervisor, target }, 'stop', seen);
    const stopped = `stopped it under ${supervisor}`;
    clear = await attempt(stopped, async () => {
      try {
        await own(means, stop, NEVER);
      } catch (error) {
        // Its supervisor may be gone, and it with that.
        if (runsUnder(supervisor, id)) throw error;
      }
    });
  }
  const begunBefore = handover.begun?.ran === true;
  // Never a second copy: what could not be stopped is what runs.
  for (const [i, old] of [...log.blocked.entries()].reverse()) {
    const start = clear && (wasUp(old) || (begunBefore && (old.kind === 'own' || old.copy)));
    means.tell(id, 'restore', `${start ? 'starting' : 'restoring'} ${nameOfOld(old)} again`);
    await attempt(`${nameOfOld(old)} ${start ? 'runs' : 'is'} as before`, () =>
      restoreOld(means, id, old, handover.marks[i], start, NEVER),
    );
  }
  if (clear && handover.created && target !== undefined) {
    means.tell(id, 'remove new', `removing it from ${supervisor}`);
    const { files = [] } = target.definition;
    const gone = files.map(({ path, text }) => ({ path, from: text }));
    const seen: Step['seen'] = { kind: 'present', hash: target.definition.hash, run: 'stopped' };
    const remove = ownStep(
      'remove',
      { service: id, supervisor },
      'none',
      seen,
      gone.length === 0 ? {} : { files: gone },
    );
    await attempt(`removed it from ${supervisor}`, () => own(means, remove, NEVER));
  }
  const problem: Problem = {
    ...because,
    code: 'handover-reversed',
    summary: `cannot hand over ${id}: ${because.summary}; reversed: ${[...undone, ...amiss.map((text) => `NOT done: ${text}`)].join(', ')}`,
    hint:
      because.code === DISTURBED && because.hint !== undefined
        ? because.hint
        : `mend it, then change Git or run: reconcile start ${id}`,
  };
  try {
    means.reversed.write(id, { wanted: means.wanted(id), at: Date.now(), problem: { ...because } });
    if (amiss.length === 0) means.begun.end(id);
  } catch (error) {
    return { kind: 'failed', problem: { ...problem, summary: `${problem.summary}; ${problemOf(error, id).summary}` } };
  }
  return { kind: 'failed', problem };
}

function interrupted(id: ServiceId): Error {
  return new Stuck({
    code: 'interrupted',
    summary: `did not hand over ${id}: interrupted before the old one was stopped`,
    hint: 'run `reconcile` again: it goes on from there',
  });
}
