import type { Deed } from './deeds.ts';
import type { Generation, Job, Samples, Subject, Witness } from './samples.ts';
import { touches } from './touches.ts';

/** How sure a cause is. `seen`: the command was at it when it happened. `likely`: by the time and its words alone. */
export type Certainty = 'seen' | 'likely' | 'unknown';

/** One thing that happened to a subject, with the command that did it as far as one was seen. */
export interface Happening {
  /** `restarted`: its process ended and another came. `ended`: none came. `started`: one came where none was. */
  readonly kind: 'restarted' | 'ended' | 'started' | 'touched';
  readonly at: number;
  readonly job?: Job;
  readonly certainty: Certainty;
  readonly old?: Witness;
  readonly next?: Witness;
}

/** ms. What ended before its doing was to be seen (`--no-block`, `kill`) is near enough for a guess. */
const NEAR = 2000;
/** ms. Between two looks things happen in an order that can't be known. */
const SLACK = 50;

/** What happened to a subject, in order, and who is seen to have caused it. Pure. */
export function happeningsOf(samples: Samples, subject: Subject): readonly Happening[] {
  const generations = samples.generations
    .filter((one) => one.subject === subject.name)
    .sort((a, b) => a.firstSeen - b.firstSeen);
  const jobs = innermost(samples.jobs).flatMap((job) => {
    const deeds = job.deeds.filter(({ target }) => touches(target, subject, generations));
    return deeds.length === 0 ? [] : [{ job, deeds }];
  });
  const used = new Set<Job>();
  const explained = (found: Cause | undefined) => {
    if (found === undefined) return { certainty: 'unknown' } as const;
    used.add(found.job);
    return found;
  };
  const all: Happening[] = [];
  for (const [i, generation] of generations.entries()) {
    const { process, firstSeen, gone } = generation;
    const next = generations[i + 1];
    const previous = generations[i - 1];
    // Where none was: the first, but not what ran before we looked.
    if (previous === undefined && firstSeen > samples.since)
      all.push({ kind: 'started', at: firstSeen, next: process, ...explained(causeOfStart(jobs, generation, used)) });
    if (gone === undefined) continue;
    const cause = causeOfEnd(jobs, subject, generation, used);
    if (next === undefined) {
      all.push({ kind: 'ended', at: gone, old: process, ...explained(cause) });
    } else if (cause !== undefined && isStop(cause.job, next, jobs)) {
      // Who only stops it is not who has started it again.
      all.push({ kind: 'ended', at: gone, old: process, ...explained(cause) });
    } else if (cause !== undefined) {
      all.push({ kind: 'restarted', at: gone, old: process, next: next.process, ...explained(cause) });
    } else {
      // Nobody was seen to end it, but perhaps somebody to start it again.
      const start = causeOfStart(jobs, next, used);
      if (start === undefined) {
        all.push({ kind: 'restarted', at: gone, old: process, next: next.process, certainty: 'unknown' });
      } else {
        all.push({ kind: 'ended', at: gone, old: process, certainty: 'unknown' });
        all.push({ kind: 'started', at: next.firstSeen, next: next.process, ...explained(start) });
      }
    }
  }
  for (const { job, deeds } of jobs) {
    // The other half of a restart (`stop`, then `start`) is no news of its own.
    if (used.has(job) || deeds.every(({ verb, inText }) => inText || verb === 'start')) continue;
    all.push({ kind: 'touched', at: job.firstSeen, job, certainty: 'seen' });
  }
  return all.sort((a, b) => a.at - b.at);
}

interface Matching {
  readonly job: Job;
  readonly deeds: readonly Deed[];
}

interface Cause {
  readonly job: Job;
  readonly certainty: 'seen' | 'likely';
}

const ENDS = new Set(['restart', 'stop', 'kill']);
const STARTS = new Set(['start', 'restart']);

function causeOfEnd(
  jobs: readonly Matching[],
  subject: Subject,
  generation: Generation,
  used: ReadonlySet<Job>,
): Cause | undefined {
  const { gone = 0, lastSeen, firstSeen } = generation;
  let best: (Cause & { readonly distance: number }) | undefined;
  for (const { job, deeds } of jobs) {
    const fitting = deeds.filter(({ verb, target }) => ENDS.has(verb) && touches(target, subject, [generation]));
    if (fitting.length === 0 || job.firstSeen > gone + SLACK) continue;
    const direct = fitting.some(({ inText }) => !inText);
    const alive = job.lastSeen >= lastSeen - SLACK;
    const since = gone - job.lastSeen;
    // A command of before this process was made ended the one before it, and each ends one alone unless it goes on.
    if (!alive && (since > NEAR || job.firstSeen < firstSeen || used.has(job))) continue;
    const certainty = alive && direct ? 'seen' : 'likely';
    const distance = alive ? 0 : since;
    const better =
      best === undefined ||
      (certainty !== best.certainty ? certainty === 'seen' : distance < best.distance || distance === 0);
    if (better) best = { job, certainty, distance };
  }
  return best === undefined ? undefined : { job: best.job, certainty: best.certainty };
}

/** Was it only told to stop, and the next one started by nobody who was seen? */
function isStop(job: Job, next: Generation, jobs: readonly Matching[]): boolean {
  const deeds = jobs.find((one) => one.job === job)?.deeds ?? [];
  return deeds.every(({ verb }) => verb === 'stop') && causeOfStart(jobs, next, new Set()) === undefined;
}

function causeOfStart(jobs: readonly Matching[], { firstSeen }: Generation, used: ReadonlySet<Job>): Cause | undefined {
  const fits = jobs.filter(
    ({ job, deeds }) =>
      // What has restarted the one before has done all it had to.
      !(used.has(job) && job.lastSeen < firstSeen - SLACK) &&
      deeds.some(({ verb }) => STARTS.has(verb)) &&
      job.firstSeen <= firstSeen + SLACK &&
      job.lastSeen >= firstSeen - NEAR,
  );
  const alive = fits.find(({ job, deeds }) => job.lastSeen >= firstSeen - SLACK && deeds.some(({ inText }) => !inText));
  if (alive !== undefined) return { job: alive.job, certainty: 'seen' };
  const last = fits.at(-1);
  return last === undefined ? undefined : { job: last.job, certainty: 'likely' };
}

/** `sudo systemctl …` and the systemctl that it runs are one doing. */
function innermost(jobs: readonly Job[]): readonly Job[] {
  const outer = new Set<string>();
  for (const { parents } of jobs) for (const { pid, start } of parents) outer.add(`${pid}:${start}`);
  return jobs.filter(({ process: { pid, start } }) => !outer.has(`${pid}:${start}`));
}
