import { chmodSync, chownSync, closeSync, type FSWatcher, openSync, statSync, truncateSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { repositoryOf } from '../git/commits.ts';
import { readTaken } from '../git/remember.ts';
import { type Refreshed, refresh } from '../git/source.ts';
import { findGroup } from '../host/users.ts';
import type { Desired } from '../model.ts';
import { Failure, type Problem } from '../problem.ts';

/** What happens to the source of the desired state. */
export type SourceEvent =
  /** A new commit was taken. `rewritten`: it does not come after the one before. */
  | {
      readonly kind: 'fetched';
      readonly from: string | undefined;
      readonly commit: string;
      readonly subject: string;
      readonly author: string;
      readonly rewritten: boolean;
    }
  /** A commit is not taken; told once. */
  | {
      readonly kind: 'refused';
      readonly commit: string;
      readonly problem: Problem;
      readonly inForce: string | undefined;
    }
  /** Nobody can tell what is newest; told once, */
  | { readonly kind: 'unreachable'; readonly problem: Problem; readonly inForce: string | undefined }
  /** and when that is over, with how long it took (ms). */
  | { readonly kind: 'reachable'; readonly after: number };

/** Looks for new commits: now and then, and when it is told to. A commit that is taken nudges; who tells it to is not believed more. */
export interface SourceWatch extends AsyncDisposable {
  /** Something may have changed there. */
  nudge(): void;
  /** Looks at once and gives what came of it; undefined where the files themselves are the source. */
  look(allowRewind?: boolean): Promise<Refreshed | undefined>;
}

export interface SourceOptions {
  readonly tell: (event: SourceEvent) => void;
  /** There is something new to be applied. */
  readonly changed: (cause: string) => unknown;
  /** What is in force. */
  readonly desired: () => Desired | undefined;
  readonly signal: AbortSignal;
}

/** A file in the runtime folder: whoever may write it may say that something has changed, and nothing else. */
export const NUDGE = 'nudge';
/** What a hook writes is a byte. */
const SMALL = 1024;

/** ms. A remote that can't be reached is asked again soon, however seldom it is otherwise, and then less and less often. */
const SOON = 5_000;
const LONGEST = 300_000;

/** Begins to watch. Where nothing was ever taken it is fetched first: there is nothing to begin with. */
export async function watchSource(config: Config, options: SourceOptions): Promise<SourceWatch> {
  const { tell, changed, signal } = options;
  let turn: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let since: number | undefined;
  let toldRefused: string | undefined;
  let queued = false;

  const look = async (how: {
    readonly nudged: boolean;
    readonly allowRewind?: boolean;
  }): Promise<Refreshed | undefined> => {
    const remote = isRead(config, options.desired()) ? repositoryOf(config) : undefined;
    if (remote === undefined || signal.aborted) return undefined;
    const result = await refresh(config, remote, { ...how, signal });
    if (!signal.aborted) hear(result);
    return result;
  };
  const hear = (result: Refreshed) => {
    const inForce = readTaken(config.stateDir, config.desiredState)?.commit;
    if (result.kind === 'failed') {
      failures += 1;
      if (since === undefined) tell({ kind: 'unreachable', problem: result.problem, inForce });
      since ??= Date.now();
      return;
    }
    if (since !== undefined) tell({ kind: 'reachable', after: Date.now() - since });
    failures = 0;
    since = undefined;
    if (result.kind === 'refused') {
      const { commit, problem } = result;
      const key = `${commit} ${problem.code}`;
      if (key !== toldRefused) tell({ kind: 'refused', commit, problem, inForce });
      toldRefused = key;
      return;
    }
    toldRefused = undefined;
    const { from, rewritten } = result;
    const { commit, subject, author } = result.commit;
    if (commit === from) return;
    tell({ kind: 'fetched', from, commit, subject, author, rewritten });
    changed(`commit ${commit.slice(0, 12)}`);
  };
  /** One look at a time; each sees what was there when it began. */
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const mine = turn.then(task);
    turn = mine.catch(() => undefined).then(plan);
    return mine;
  };
  const plan = () => {
    clearTimeout(timer);
    if (config.git === undefined || signal.aborted) return;
    const { poll } = config.git;
    const wait = failures === 0 ? poll : Math.min(Math.min(poll, SOON) * 2 ** Math.min(failures, 10), LONGEST);
    timer = setTimeout(() => inTurn(() => look({ nudged: false })).catch(damaged), wait * (0.9 + Math.random() * 0.2));
  };
  // What throws is damaged decisions, which every run says itself.
  const damaged = () => undefined;
  const nudge = () => {
    if (queued || signal.aborted) return;
    queued = true;
    inTurn(() => {
      queued = false;
      return look({ nudged: true });
    }).catch(damaged);
  };

  if (config.git !== undefined) {
    const first = inTurn(() => look({ nudged: true })).catch(damaged);
    if (takenBefore(config) === undefined) await first;
  }
  const nudges = await watchNudges(config, () => {
    // Files are told of by their own watch, unless they are not told of at all.
    if (config.git === undefined) changed('somebody said that it changed');
    else nudge();
  });
  return {
    nudge,
    look: (allowRewind = false) => inTurn(() => look({ nudged: true, allowRewind })),
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      nudges?.close();
      await turn;
      clearTimeout(timer);
    },
  };
}

/** What can't be read says so with every run. */
function takenBefore({ stateDir, desiredState }: Config): string | undefined {
  try {
    return readTaken(stateDir, desiredState)?.commit;
  } catch (error) {
    if (error instanceof Failure) return '';
    throw error;
  }
}

/** Is it commits that are read, and not files as they lie there? */
function isRead(config: Config, desired: Desired | undefined): boolean {
  if (config.git !== undefined || config.trust !== undefined) return true;
  return desired?.policy.written.worktree === 'committed-only';
}

/** Makes the file and calls `nudged` whenever it is written; a hook of a repository needs no program of ours for that. */
async function watchNudges({ runtimeDir, readGroup }: Config, nudged: () => void): Promise<FSWatcher | undefined> {
  const path = join(runtimeDir, NUDGE);
  try {
    closeSync(openSync(path, 'w', 0o600));
    const group = readGroup === undefined ? undefined : await findGroup(readGroup);
    if (group !== undefined) chownSync(path, -1, group.gid);
    chmodSync(path, group === undefined ? 0o600 : 0o620);
    const written = () => {
      // Who may write it can't fill the disk with it.
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > SMALL) truncateSync(path);
      nudged();
    };
    return watch(path, written).on('error', () => undefined);
  } catch {
    // There are other ways to be told.
    return undefined;
  }
}
