import { actorOf } from './actor.ts';
import { type Around, type Finding, findingsOf } from './evidence.ts';
import { type Happening, happeningsOf } from './explain.ts';
import { CALM, type Rounds, rounds, type Wanted } from './rounds.ts';
import type { Job, Samples, Subject } from './samples.ts';

/** How often its own supervisor has restarted it, as it says; `at`: when it had said so, in ms since the epoch. */
export interface Count {
  readonly restarts: number;
  readonly at: number;
}

/**
 * What is known of a service after an action of ours. What nobody was seen to do counts as its supervisor's own doing,
 * unless that says that it did not: a crash must never look like a duel.
 */
export interface Trial {
  readonly subject: Subject;
  readonly state: Rounds;
  /** ms since the epoch: what was before is no answer to our last action. */
  readonly from: number;
  /** When those things happened that have been weighed. */
  readonly weighed: ReadonlySet<number>;
  /** From what its supervisor's count is taken; undefined where that has begun anew since. */
  readonly base: Count | undefined;
  /** How many restarts since then were found to be its supervisor's own. */
  readonly own: number;
  /** What people typed since our last action. With a person nobody duels: what is to become of that is for `drift`. */
  readonly typed: readonly Finding[];
}

/** We have started or stopped it. `anew`: Git has changed it, or a person has asked, so that what was before is over. */
export function acted(
  subject: Subject,
  before: Trial | undefined,
  { wanted, at, anew }: { readonly wanted: Wanted; readonly at: number; readonly anew: boolean },
): Trial {
  const state = rounds(anew || before === undefined ? CALM : before.state, { kind: 'acted', wanted, at });
  return { subject, state, from: at, weighed: new Set(), base: undefined, own: 0, typed: [] };
}

/** Is its supervisor to be asked how often it has restarted it? */
export function needsCount(trial: Trial, samples: Samples): boolean {
  return fresh(trial, samples).some(({ kind, certainty }) => kind === 'restarted' && certainty === 'unknown');
}

/** What others did to it until now, weighed; `count` where its supervisor was asked after these samples were taken. Pure. */
export function weigh(
  trial: Trial,
  samples: Samples,
  userOf: Around['userOf'],
  count: Count | undefined,
  window?: number,
): Trial {
  const happenings = fresh(trial, samples);
  const base =
    count === undefined || trial.base === undefined || count.restarts < trial.base.restarts ? undefined : trial.base;
  // Somebody's restart lets systemd count from 0 again.
  const known = happenings.some(({ certainty }) => certainty !== 'unknown');
  const grown = base === undefined || known ? Number.POSITIVE_INFINITY : (count?.restarts ?? 0) - base.restarts;
  const weighed = new Set(trial.weighed);
  let { state, own, typed } = trial;
  const findings = happenings.length === 0 ? [] : findingsFor(trial, samples, userOf, count);
  for (const one of happenings) {
    const restarted = one.kind === 'restarted';
    const early = base !== undefined && one.at <= base.at;
    const isOwn = one.certainty === 'unknown' && (!restarted || early || own < grown);
    if (isOwn && restarted && !early) own += 1;
    // What has ended may come again, and then its supervisor tells more.
    if (!(isOwn && one.kind === 'ended')) weighed.add(one.at);
    const run = one.kind === 'ended' ? 'stopped' : 'running';
    const about = findings.filter((finding) => isOf(finding, one));
    if (one.job !== undefined && isTyped(one.job, userOf)) {
      typed = [...typed, ...about].slice(-KEEP);
      continue;
    }
    state = rounds(state, { kind: 'changed', run, own: isOwn, at: one.at, findings: about }, window);
  }
  if (known) return { ...trial, state, weighed, base: undefined, own: 0, typed };
  return base === undefined && count !== undefined
    ? { ...trial, state, weighed, base: count, own: 0, typed }
    : { ...trial, state, weighed, own, typed };
}

function fresh(trial: Trial, samples: Samples): readonly Happening[] {
  return happeningsOf(cut(samples, trial.from), trial.subject).filter(
    ({ kind, at }) => kind !== 'touched' && !trial.weighed.has(at),
  );
}

const KEEP = 8;

/** No program runs it: it is a command of a login or a shell, which nothing repeats. */
function isTyped(job: Job, userOf: Around['userOf']): boolean {
  const { pid, started } = actorOf(job, userOf);
  return started.kind === 'hand' && pid === job.process.pid;
}

/** What was seen from then on. */
function cut(samples: Samples, from: number): Samples {
  return {
    ...samples,
    since: Math.max(samples.since, from),
    jobs: samples.jobs.filter(({ lastSeen }) => lastSeen >= from),
    generations: samples.generations.filter(({ gone }) => gone === undefined || gone > from),
  };
}

/** Of what others are seen to do all that they did; of the rest what was after our last action, which may be ours before. */
function findingsFor(
  { subject, state, from, base }: Trial,
  samples: Samples,
  userOf: Around['userOf'],
  count: Count | undefined,
): readonly Finding[] {
  const since = state.kind === 'probation' ? Math.min(state.since, from) : from;
  const counts = base === undefined || count === undefined ? [] : [{ before: base.restarts, after: count.restarts }];
  const around = { userOf, restarts: new Map(counts.map((one) => [subject.name, one])) };
  const all = findingsOf(cut(samples, since), [subject], around);
  const last = findingsOf(cut(samples, from), [subject], around);
  return [...all.filter(({ by }) => by !== undefined), ...last.filter(({ by }) => by === undefined)];
}

function isOf({ kind, times }: Finding, one: Happening): boolean {
  return kind === one.kind && times.includes(Math.round(one.at));
}
