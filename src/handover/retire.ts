import type { Handover, Outcome, Predecessor, Step } from '../model.ts';
import { type Means, NEVER, problemOf } from './means.ts';
import { blockOld, disableOld, nameOfOld, stopOld } from './old.ts';

/** What a service supersedes is ended for good and nothing takes its place. Never throws. */
export async function retire(means: Means, step: Step, { from, marks, patience }: Handover): Promise<Outcome> {
  const { service: id } = step;
  const done: string[] = [];
  try {
    // What starts things goes before what it starts.
    const order = [...from.entries()].sort(([, a], [, b]) => rank(a) - rank(b));
    for (const [i, old] of order) await blockOld(means, id, old, marks[i], NEVER);
    for (const [i, old] of order) {
      await stopOld(means, id, old, patience, NEVER);
      await disableOld(means, id, old, marks[i], NEVER);
      done.push(nameOfOld(old));
    }
    return { kind: 'done' };
  } catch (error) {
    const { summary, ...problem } = problemOf(error, id);
    const also = done.length === 0 ? '' : `; done: ${done.join(', ')}`;
    return {
      kind: 'failed',
      problem: { ...problem, summary: `cannot retire what ${id} supersedes: ${summary}${also}` },
    };
  }
}

const RANKS = ['cron', 'timer', 'process', 'unit', 'program'];

function rank(old: Predecessor): number {
  return old.kind === 'own' ? RANKS.length : RANKS.indexOf(old.thing.kind);
}
