import type { Begun, Handover, Outcome, ServiceId, Step } from '../model.ts';
import { nameOfThing } from '../thing.ts';
import { gapOf } from './gap.ts';
import { type Means, NEVER, own, ownStep, problemOf, Stuck } from './means.ts';
import { againOf, restoreOld, stopOld } from './old.ts';

type Ours = NonNullable<Handover['ours']>;

/** ms. How long what was started for it has to end where it has to be taken back. */
const PATIENCE = 10_000;

/**
 * What a service had superseded is in force again, and the service, which Git has no more, goes:
 *
 *   stop ours ──> remove it ──> restore and start the old
 *
 * In this order a boot starts one at most, and what bears the marks goes last. Never throws.
 */
export async function giveBack(means: Means, step: Step, handover: Handover): Promise<Outcome> {
  const { service: id } = step;
  const { from, marks, ours, runs, starts, patience, begun } = handover;
  const things = from.flatMap((old, i) => {
    const taken = marks[i];
    return old.kind === 'thing' && taken !== undefined ? [{ thing: old.thing, taken }] : [];
  });
  let [stopped, removed] = [false, false];
  const removeOurs = async () => {
    if (ours === undefined) return;
    means.tell(id, 'remove new', `removing it from ${ours.supervisor}`);
    const { target, removal } = againOf(ours);
    const seen: Step['seen'] = { kind: 'present', hash: target.definition.hash, run: 'stopped' };
    await own(means, { ...removal, effect: 'none', seen }, NEVER);
    removed = true;
  };
  try {
    means.begun.write(id, { ran: runs || begun?.ran === true, at: begun?.at ?? Date.now(), given: things });
    return await means.alone(async () => {
      let gone: number | undefined;
      if (ours !== undefined && runs) {
        stopped = true;
        gone = await stopOld(means, id, ours, patience, NEVER);
      }
      await removeOurs();
      const { pid, ready } = await restoreAll(means, id, things, starts);
      const gap = gone === undefined || pid === undefined ? undefined : gapOf(gone, pid, ready);
      means.begun.end(id);
      return { kind: 'done', ...(pid === undefined ? {} : { pid }), ...(gap === undefined ? {} : { gap }) };
    });
  } catch (error) {
    const { summary, ...problem } = problemOf(error, id);
    const after = stopped && ours !== undefined ? `; ${await backTo(means, id, ours, things, removed)}` : '';
    return { kind: 'failed', problem: { ...problem, summary: `cannot hand ${id} back: ${summary}${after}` } };
  }
}

type Things = NonNullable<Begun['given']>;

async function restoreAll(means: Means, id: ServiceId, things: Things, starts: boolean) {
  let pid: number | undefined;
  let ready = 0;
  for (const { thing, taken } of things) {
    const start = starts && taken.ran;
    means.tell(id, 'restore', `${start ? 'starting' : 'restoring'} ${nameOfThing(thing)}`);
    const given = await means.taker(thing).restore(thing, taken, start, NEVER);
    if (given.kind === 'failed') throw new Stuck(given.problem);
    ready = performance.now();
    const [state] = start ? await means.taker(thing).look([thing], NEVER) : [];
    if (state?.kind === 'there') pid ??= state.processes[0]?.pid;
  }
  return { pid, ready };
}

/** As it was, what is done of that: the old ones off for good, then ours started again. */
async function backTo(means: Means, id: ServiceId, ours: Ours, things: Things, removed: boolean): Promise<string> {
  const { supervisor } = ours;
  const { target } = againOf(ours);
  try {
    for (const { thing, taken } of things) {
      const ended = await means.taker(thing).stop(thing, PATIENCE, NEVER);
      if (ended.kind === 'failed') throw new Stuck(ended.problem);
      const off = await means.taker(thing).disable(thing, taken, NEVER);
      if (off.kind === 'failed') throw new Stuck(off.problem);
    }
    if (removed) {
      const files = (target.definition.files ?? []).map(({ path, text }) => ({ path, to: text }));
      const at = { service: ours.id, supervisor, target };
      await own(means, ownStep('create', at, 'start', { kind: 'absent' }, { files }), NEVER);
    } else await restoreOld(means, id, ours, undefined, true, NEVER);
    means.begun.end(id);
    return `it runs under ${supervisor} again`;
  } catch (error) {
    return `and it could not be started again: ${problemOf(error, id).summary}`;
  }
}
