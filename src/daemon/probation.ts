import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Finding } from '../duels/evidence.ts';
import { ownRestartsOf } from '../duels/own-restarts.ts';
import { acted, type Count, needsCount, type Trial, weigh } from '../duels/probation.ts';
import { type Rounds, rounds, type Wanted } from '../duels/rounds.ts';
import type { Subject } from '../duels/samples.ts';
import { type SharedWatch, shareWatch } from '../duels/shared-watch.ts';
import { usersIn } from '../duels/users.ts';
import type { ServiceId } from '../model.ts';
import type { Action } from './acted.ts';

export type Duel = Extract<Rounds, { readonly kind: 'duel' }>;

/** Watches what others do to the services that were acted on last. While there are none, nothing runs. */
export interface Probation extends AsyncDisposable {
  /**
   * Runs an apply. What was seen until then counts before it plans, lest it acts on what is a duel by then; what it does
   * itself does not; and what it has acted on is watched for a while from then on.
   */
  around<T>(apply: () => Promise<T>, actionsOf: (result: T) => readonly Action[]): Promise<T>;
}

export interface ProbationMeans {
  /** The process of a service, as it is watched; undefined for what is no longer declared. */
  readonly subjectOf: (id: ServiceId) => Subject | undefined;
  /** It is to be left alone from now on. */
  readonly onDuel: (id: ServiceId, duel: Duel) => void;
  readonly watch?: SharedWatch;
  readonly countsOf?: (subjects: readonly Subject[]) => Promise<ReadonlyMap<string, number>>;
  /** ms since the epoch. */
  readonly now?: () => number;
  /** ms. How often it is weighed what was seen. */
  readonly every?: number;
}

/** So many services are watched at a time, those that were acted on last. */
export const MOST = 50;

/** What can't be watched is kept as Git says all the same. */
const LEFT = () => {};

export function createProbation({
  subjectOf,
  onDuel,
  watch = shareWatch(),
  countsOf = ownRestartsOf,
  now = () => performance.timeOrigin + performance.now(),
  every = 1000,
}: ProbationMeans): Probation {
  /** Those acted on last are last. */
  const watched = new Map<ServiceId, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  let turn: Promise<void> = Promise.resolve();
  /** One after another: each weighs what the one before has left. */
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const done = turn.then(act);
    turn = done.catch(() => {});
    return done;
  };
  const watchAll = async () => {
    await watch.set(
      'probation',
      [...watched.values()].map(({ trial }) => trial.subject),
    );
    if (watched.size === 0) {
      clearInterval(timer);
      timer = undefined;
    } else timer ??= setInterval(tick, every);
  };
  /** `ours`: what nobody was seen to do may be what we have just done. */
  const look = async (ours = false) => {
    const samples = watch.samples();
    if (samples === undefined) return;
    const asked = ours
      ? []
      : [...watched.values()].map(({ trial }) => trial).filter((trial) => needsCount(trial, samples));
    const counts = asked.length === 0 ? new Map<string, number>() : await countsOf(asked.map(({ subject }) => subject));
    const userOf = await usersIn(samples);
    const before = watched.size;
    for (const [id, one] of watched) {
      const { trial } = one;
      const restarts = counts.get(trial.subject.name);
      const count: Count | undefined = restarts === undefined ? undefined : { restarts, at: now() };
      const next = weigh(ours ? { ...trial, base: undefined, own: 0 } : trial, samples, userOf, count);
      if (next.state.kind === 'duel') end(id, next.state);
      else if (next.state.kind === 'calm' || next.state.until < now()) watched.delete(id);
      else watched.set(id, { ...one, trial: next });
    }
    if (watched.size !== before) await watchAll();
  };
  const tick = () => {
    if (!busy) inTurn(() => look()).catch(LEFT);
  };
  const end = (id: ServiceId, duel: Duel) => {
    watched.delete(id);
    onDuel(id, duel);
  };
  const act = async (actions: readonly Action[]) => {
    if (actions.length === 0) return;
    await look(true);
    for (const action of actions) {
      const { id } = action;
      const subject = subjectOf(id);
      const last = watched.get(id);
      watched.delete(id);
      if (subject === undefined) continue;
      const next = begin(subject, last, action, now());
      if (next.trial.state.kind === 'duel') end(id, next.trial.state);
      else watched.set(id, next);
    }
    for (const id of [...watched.keys()].slice(0, Math.max(0, watched.size - MOST))) watched.delete(id);
    await watchAll();
  };
  return {
    around: async (apply, actionsOf) => {
      await inTurn(() => look()).catch(LEFT);
      busy = true;
      let actions: readonly Action[] = [];
      try {
        const result = await apply();
        actions = actionsOf(result);
        return result;
      } finally {
        busy = false;
        // Whoever waits for this apply need not wait for the first look at all processes.
        inTurn(() => nextTurn().then(() => act(actions))).catch(LEFT);
      }
    },
    [Symbol.asyncDispose]: async () => {
      // What follows the last apply may begin to watch.
      await turn;
      clearInterval(timer);
      watched.clear();
      await watch[Symbol.asyncDispose]();
    },
  };
}

/** A service that is watched. */
interface Watched {
  readonly trial: Trial;
  /** The rounds that were counted when we last acted. */
  readonly counted: number;
  /** It was put right before it was watched: whether that was an answer to us could not be seen. */
  readonly unseen: boolean;
}

/** That it has to be put right again is what somebody did, whether that was seen or not; what was seen counts once. */
function begin(subject: Subject, last: Watched | undefined, { wanted, cause }: Action, at: number): Watched {
  const trial = acted(subject, last?.trial, { wanted, at, anew: cause === 'git' });
  const before = last === undefined ? 0 : roundsOf(last.trial.state);
  if (cause !== 'drift' || last === undefined || before > last.counted)
    return { trial, counted: roundsOf(trial.state), unseen: cause === 'drift' && last === undefined };
  const { typed } = last.trial;
  const event = { kind: 'changed', run: wanted === 'running' ? 'stopped' : 'running', own: false, at } as const;
  const undone = { ...event, findings: typed.length > 0 ? typed : [unknown(subject, wanted, at, last.unseen)] };
  let state = rounds(trial.state, undone);
  if (last.unseen) state = rounds(state, undone);
  return { trial: { ...trial, state }, counted: roundsOf(state), unseen: false };
}

function roundsOf(state: Rounds): number {
  return state.kind === 'calm' ? 0 : state.rounds;
}

function unknown({ name }: Subject, wanted: Wanted, at: number, before: boolean): Finding {
  const times = before ? 'twice' : 'again';
  return {
    subject: name,
    kind: wanted === 'running' ? 'ended' : 'started',
    times: [Math.round(at)],
    certainty: 'unknown',
    evidence: `${name} had to be put right ${times}, though Git has not changed: no command that undid it was seen; a program may speak to its supervisor by itself, such as over D-Bus`,
  };
}
