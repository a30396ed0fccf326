import type { Predecessor, ServiceId, Step } from '../model.ts';
import type { Taking } from '../supervisors/taker.ts';
import { nameOfThing, type Taken } from '../thing.ts';
import { type Means, own, ownStep, Stuck } from './means.ts';

export function nameOfOld(old: Predecessor): string {
  return old.kind === 'thing' ? nameOfThing(old.thing) : `${old.supervisor} ${old.id}`;
}

/** It has, or had when the plan was made, a process. */
export function wasUp(old: Predecessor): boolean {
  if (old.kind === 'thing') return old.state.processes.length > 0 || old.state.starting === true;
  return old.run.kind === 'running' || old.run.kind === 'starting' || old.run.kind === 'backoff';
}

function must(taking: Taking): void {
  if (taking.kind === 'failed') throw new Stuck(taking.problem);
}

/** Nobody starts it again from now on, until it is given up or restored; a boot takes that back too. */
export async function blockOld(
  means: Means,
  id: ServiceId,
  old: Predecessor,
  mark: Taken | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { thing } = old;
  if (thing === undefined || (old.kind === 'thing' && old.state.blocked !== undefined)) return;
  // Of a process and of programs only what they were is remembered: nothing can keep a person from starting one.
  const kept = thing.kind !== 'process' && thing.kind !== 'program';
  means.tell(
    id,
    'block',
    kept ? `keeping ${nameOfOld(old)} from being started again` : `remembering ${nameOfOld(old)}`,
  );
  must(await means.taker(thing).block(thing, marked(mark, id), signal));
}

/** Ends it and proves it; when its last process was gone (performance.now(), ms). */
export async function stopOld(
  means: Means,
  id: ServiceId,
  old: Predecessor,
  patience: number,
  signal: AbortSignal,
): Promise<number> {
  if (wasUp(old)) means.tell(id, 'stop', `stopping ${nameOfOld(old)}`);
  if (old.thing !== undefined) {
    const ending = await means.taker(old.thing).stop(old.thing, patience, signal);
    if (ending.kind === 'failed') throw new Stuck(ending.problem);
    const killed = (ending.killed ?? []).map(({ pid }) => pid);
    if (killed.length > 0) means.tell(id, 'stop', `${nameOfOld(old)} did not end in time: killed ${killed.join(', ')}`);
    return ending.at ?? performance.now();
  }
  if (old.kind === 'own' && wasUp(old)) await own(means, step('stop', old, 'stop', againOf(old).removal.seen), signal);
  return performance.now();
}

/** For good. What defines a thing of others is kept; ours is removed, since its new supervisor has it. */
export async function disableOld(
  means: Means,
  id: ServiceId,
  old: Predecessor,
  mark: Taken | undefined,
  signal: AbortSignal,
): Promise<void> {
  means.tell(id, 'disable', `${old.kind === 'own' ? 'removing' : 'disabling'} ${nameOfOld(old)}`);
  if (old.kind === 'thing') {
    must(await means.taker(old.thing).disable(old.thing, marked(mark, id), signal));
    return;
  }
  const { removal } = againOf(old);
  const { seen } = removal;
  const now: Step['seen'] = seen.kind === 'absent' ? seen : { kind: 'present', hash: seen.hash, run: 'stopped' };
  await own(means, { ...removal, effect: 'none', seen: now }, signal);
  if (old.thing !== undefined) must(await means.taker(old.thing).unblock(old.thing, signal));
}

/** As it was before, and running where it was. */
export async function restoreOld(
  means: Means,
  id: ServiceId,
  old: Predecessor,
  mark: Taken | undefined,
  start: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (old.kind === 'thing') {
    must(await means.taker(old.thing).restore(old.thing, marked(mark, id), start, signal));
    return;
  }
  if (old.thing !== undefined) must(await means.taker(old.thing).unblock(old.thing, signal));
  if (!start) return;
  const { hash } = againOf(old).target.definition;
  await own(means, step('start', old, 'start', { kind: 'present', hash, run: 'stopped' }), signal);
}

function step(
  action: 'start' | 'stop',
  old: Extract<Predecessor, { readonly kind: 'own' }>,
  effect: Step['effect'],
  seen: Step['seen'],
): Step {
  const { id, supervisor } = old;
  const { target } = againOf(old);
  return ownStep(action, { service: id, supervisor, target }, effect, seen);
}

export function againOf({ id, again }: Extract<Predecessor, { readonly kind: 'own' }>) {
  if (again === undefined) throw new Error(`this plan of ${id} is only to be looked at`);
  return again;
}

function marked(mark: Taken | undefined, id: ServiceId): Taken {
  if (mark === undefined) throw new Error(`no mark for what ${id} takes over`);
  return mark;
}
