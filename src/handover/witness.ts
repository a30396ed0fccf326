import type { Config } from '../config.ts';
import { type Finding, findingsOf } from '../duels/evidence.ts';
import { ownRestartsOf } from '../duels/own-restarts.ts';
import { acted, needsCount, type Trial, weigh } from '../duels/probation.ts';
import type { Samples, Subject } from '../duels/samples.ts';
import { shareWatch } from '../duels/shared-watch.ts';
import { ownSubject, subjectsFor } from '../duels/subjects.ts';
import { usersIn } from '../duels/users.ts';
import type { Desired, Handover, Service, ServiceId, Step } from '../model.ts';
import { type Problem, why } from '../problem.ts';
import { namesHere, recordDuel } from './duels.ts';

/** Sees who is at a service while it is handed over. */
export interface Witness {
  /** From now on. What is watched costs nothing but time of the processor: it is to begin before anything is stopped. */
  begin(step: Step, handover: Handover): Promise<Sight>;
}

/** What is seen during one handover; it ends with `blame` or `close`. */
export interface Sight {
  /** The new one runs: what others do to it from now on undoes that. */
  started(): void;
  /** It failed for this: with who was at it, as far as that was seen. A duel is recorded. */
  blame(problem: Problem): Promise<Problem>;
  /** It went well: what others tried all the same, in sentences. */
  close(): Promise<readonly string[]>;
}

/** The code of a problem that somebody was seen to make. */
export const DISTURBED = 'disturbed';

const BLIND: Sight = { started: () => {}, blame: async (problem) => problem, close: async () => [] };

/** One eye for all handovers of a run. */
export function createWitness(
  config: Pick<Config, 'stateDir'>,
  desired: Desired,
  wanted: (id: ServiceId) => string,
): Witness {
  const eye = shareWatch();
  return {
    begin: async (step, handover) => {
      const { service: id } = step;
      let subjects: readonly Subject[];
      try {
        subjects = await subjectsIn(step, handover, desired);
        await eye.set(id, subjects);
      } catch {
        // Who is at it is worth knowing, and no reason not to do it.
        return BLIND;
      }
      const [own] = subjects;
      let trial: Trial | undefined;
      const end = async () => {
        const samples = eye.samples();
        await eye.set(id, []);
        return samples;
      };
      return {
        started: () => {
          if (own !== undefined) trial = acted(own, trial, { wanted: 'running', at: now(), anew: trial === undefined });
        },
        blame: async (problem) => {
          const samples = await end();
          if (samples === undefined) return problem;
          const record = (state: Duel) => recordDuel(config.stateDir, id, wanted(id), state);
          try {
            if (trial !== undefined) await judge(trial, samples, record);
          } catch (error) {
            return { ...problem, summary: `${problem.summary}; who was at it can't be kept: ${why(error)}` };
          }
          const said = await sentencesOf(samples, subjects, (one) => disturbs(one, own));
          if (said.length === 0)
            return problem.code === 'not-well' ? { ...problem, ...(await unknownOf(samples, own)) } : problem;
          const summary = [problem.summary, ...said].join('; ');
          if (problem.code === 'interrupted') return { ...problem, summary };
          return {
            ...problem,
            code: DISTURBED,
            summary,
            hint: `name that in \`supersedes\`, or end it and then: reconcile start ${id}`,
          };
        },
        close: async () => {
          const samples = await end();
          return samples === undefined ? [] : sentencesOf(samples, subjects, ({ by }) => by !== undefined);
        },
      };
    },
  };
}

/** The new one first. */
async function subjectsIn(
  { target, service: id }: Step,
  { from }: Handover,
  desired: Desired,
): Promise<readonly Subject[]> {
  const service = target?.service ?? desired.services.find((one) => one.id === id);
  if (service === undefined) return [];
  const names = namesHere();
  const olds = from.flatMap((old): Service[] => (old.kind === 'own' && old.again ? [old.again.target.service] : []));
  return [...(await subjectsFor(service, desired, names)), ...olds.map((old) => ownSubject(old, desired, names))];
}

type Duel = Extract<Trial['state'], { readonly kind: 'duel' }>;

async function judge(trial: Trial, samples: Samples, record: (state: Duel) => void): Promise<void> {
  const counts = needsCount(trial, samples) ? await ownRestartsOf([trial.subject]) : undefined;
  const restarts = counts?.get(trial.subject.name);
  const { state } = weigh(
    trial,
    samples,
    await usersIn(samples),
    restarts === undefined ? undefined : { restarts, at: now() },
  );
  if (state.kind === 'duel') record(state);
}

/** Did somebody undo it: end the new one, or start an old one again? */
function disturbs({ by, kind, subject }: Finding, own: Subject | undefined): boolean {
  if (by === undefined) return false;
  return kind === 'restarted' || kind === (subject === own?.name ? 'ended' : 'started');
}

async function sentencesOf(
  samples: Samples,
  subjects: readonly Subject[],
  isMeant: (finding: Finding) => boolean,
): Promise<readonly string[]> {
  const around = { userOf: await usersIn(samples), restarts: new Map() };
  return findingsOf(samples, subjects, around)
    .filter(isMeant)
    .map(({ evidence }) => evidence);
}

/** That its process was gone, and nobody was seen to end it. */
async function unknownOf(samples: Samples, own: Subject | undefined): Promise<Pick<Problem, 'detail'>> {
  if (own === undefined) return {};
  const around = { userOf: String, restarts: new Map() };
  const found = findingsOf(samples, [own], around).find(
    ({ by, kind }) => by === undefined && (kind === 'ended' || kind === 'restarted'),
  );
  return found === undefined ? {} : { detail: found.evidence };
}

/** ms since the epoch, as what is seen is told. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
