import type { Handover, Outcome, Step } from '../model.ts';
import { nameOfThing } from '../thing.ts';
import { gapOf } from './gap.ts';
import { type Means, NEVER, own, problemOf, Stuck } from './means.ts';
import { againOf, restoreOld, stopOld } from './old.ts';

/** What a service had superseded is in force again, and the service, which Git has no more, goes. Never throws. */
export async function giveBack(means: Means, step: Step, handover: Handover): Promise<Outcome> {
  const { service: id } = step;
  const { from, marks, ours, runs, starts, patience } = handover;
  const things = from.flatMap((old) => (old.kind === 'thing' ? [old.thing] : []));
  const lost: string[] = [];
  let stopped = false;
  try {
    for (const thing of things) {
      means.tell(id, 'load', `unblocking ${nameOfThing(thing)}`);
      const freed = await means.taker(thing).unblock(thing, NEVER);
      if (freed.kind === 'failed') throw new Stuck(freed.problem);
    }
    return await means.alone(async () => {
      let gone: number | undefined;
      if (ours !== undefined && runs) {
        stopped = true;
        gone = await stopOld(means, id, ours, patience, NEVER);
      }
      let pid: number | undefined;
      let ready = 0;
      for (const [i, thing] of things.entries()) {
        const mark = marks[i];
        if (mark === undefined) continue;
        const start = starts && mark.ran;
        means.tell(id, 'restore', `${start ? 'starting' : 'restoring'} ${nameOfThing(thing)}`);
        const given = await means.taker(thing).restore(thing, mark, start && thing.kind !== 'process', NEVER);
        if (given.kind === 'failed') {
          // Who started it by hand may do so again; nothing else hangs on it.
          if (thing.kind !== 'process') throw new Stuck(given.problem);
          lost.push(given.problem.summary);
        }
        ready = performance.now();
        const [state] = start ? await means.taker(thing).look([thing], NEVER) : [];
        if (state?.kind === 'there') pid ??= state.processes[0]?.pid;
      }
      if (ours !== undefined) {
        means.tell(id, 'remove new', `removing it from ${ours.supervisor}`);
        const { target, removal } = againOf(ours);
        const seen: Step['seen'] = { kind: 'present', hash: target.definition.hash, run: 'stopped' };
        await own(means, { ...removal, effect: 'none', seen }, NEVER);
      }
      const gap = gone === undefined || pid === undefined ? undefined : gapOf(gone, pid, ready);
      means.begun.end(id);
      return { kind: 'done', ...(pid === undefined ? {} : { pid }), ...(gap === undefined ? {} : { gap }) };
    });
  } catch (error) {
    const { summary, ...problem } = problemOf(error, id);
    let after = '';
    if (stopped && ours !== undefined) {
      const again = await restoreOld(means, id, ours, undefined, true, NEVER).then(
        () => `it runs under ${ours.supervisor} again`,
        (failure: unknown) => `and it could not be started again: ${problemOf(failure, id).summary}`,
      );
      for (const [i, thing] of things.entries()) {
        const mark = marks[i];
        if (mark !== undefined) await means.taker(thing).disable(thing, mark, NEVER);
      }
      after = `; ${again}`;
    }
    return { kind: 'failed', problem: { ...problem, summary: `cannot hand ${id} back: ${summary}${after}` } };
  }
}
