import { type Around, findingsOf } from './evidence.ts';
import { type Happening, happeningsOf } from './explain.ts';
import type { RoundEvent } from './rounds.ts';
import type { Samples, Subject } from './samples.ts';

/**
 * What was done to a subject after a time (ms since the epoch), as events for `rounds`. What nobody was seen to do counts
 * as its supervisor's own doing, unless that says that it did not: a crash must never look like a duel. Pure.
 */
export function changesSince(samples: Samples, subject: Subject, around: Around, from: number): readonly RoundEvent[] {
  const happenings = happeningsOf(samples, subject).filter(({ kind, at }) => kind !== 'touched' && at > from);
  const findings = findingsOf(samples, [subject], around);
  const counted = around.restarts.get(subject.name);
  const grown = counted === undefined ? Number.POSITIVE_INFINITY : counted.after - counted.before;
  let left = grown;
  return happenings.map((one): RoundEvent => {
    const own = one.certainty === 'unknown' && (one.kind !== 'restarted' || left > 0);
    if (own && one.kind === 'restarted') left -= 1;
    const run = one.kind === 'ended' ? 'stopped' : 'running';
    return { kind: 'changed', run, own, at: one.at, findings: findings.filter((finding) => isOf(finding, one)) };
  });
}

function isOf({ kind, times }: { readonly kind: string; readonly times: readonly number[] }, one: Happening): boolean {
  return kind === one.kind && times.includes(Math.round(one.at));
}
