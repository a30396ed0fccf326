import { existsSync, mkdirSync } from 'node:fs';
import { Failure, type Problem, unreachable, why } from '../problem.ts';
import { type Commit, parseCommit } from './commit.ts';
import { environmentOf } from './environment.ts';
import { ensureTrees, exportTree, isExported, pruneTrees, putTreeInForce, treeFolder, treeInForce } from './export.ts';
import { lockMirror, sweepLocks } from './locks.ts';
import { corruptProblem, type Mirror, openMirror, readRef } from './mirror.ts';
import { Corrupt, type Objects, openObjects } from './objects.ts';
import { Refused } from './refused.ts';
import { readSeen, readTaken, type Seen, saveSeen, saveTaken } from './remember.ts';
import { mirrorOf, type Place, type Remote } from './remote.ts';
import { listTree } from './tree.ts';
import { checkSigners, verifyTrust } from './trust.ts';

/** What came of a look at a repository. */
export type Refreshed =
  | {
      readonly kind: 'taken';
      readonly commit: Commit;
      /** The commit that was taken before; the same where nothing is new. */
      readonly from: string | undefined;
      /** It does not come after that one: somebody has rewritten history, or set it back. */
      readonly rewritten: boolean;
    }
  /** There is a commit, and it is not to be taken: what was taken before stays. */
  | { readonly kind: 'refused'; readonly commit: string; readonly problem: Problem }
  /** Nobody knows what there is: what was taken before stays. */
  | { readonly kind: 'failed'; readonly problem: Problem };

export interface RefreshOptions {
  /** Fetch at once, without a look whether there is anything new: somebody said so. */
  readonly nudged?: boolean;
  /** Take a commit that does not come after the last one, though there is trust to be had. */
  readonly allowRewind?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Looks at a repository and takes the commit it is at: fetched, trusted, its tree written, and then remembered; what is
 * interrupted in between has changed nothing, and the next look does it again. Throws only where decisions are damaged.
 */
export async function refresh(place: Place, remote: Remote, options: RefreshOptions = {}): Promise<Refreshed> {
  const taken = readTaken(place.stateDir, place.desiredState)?.commit;
  try {
    mkdirSync(remote.folder, { recursive: true, mode: 0o700 });
    ensureTrees(remote);
    using _ = await lockMirror(remote);
    const result = await look(place, remote, taken, options);
    remember(remote, result);
    return result;
  } catch (error) {
    const problem = problemFrom(error, remote);
    const result = { kind: 'failed', problem } as const;
    remember(remote, result);
    return result;
  }
}

async function look(
  place: Place,
  remote: Remote,
  taken: string | undefined,
  options: RefreshOptions,
): Promise<Refreshed> {
  if (place.trust !== undefined) checkSigners(place.trust, withinOf(place, remote));
  if (existsSync(mirrorOf(remote))) sweepLocks(remote);
  const mirror = await openMirror(remote, options.signal);
  const have = readRef(mirrorOf(remote));
  try {
    const isNew = options.nudged === true || have === undefined || (await mirror.lookUp()) !== have;
    return await take(place, mirror, isNew ? await mirror.fetch() : have, taken, options);
  } catch (error) {
    if (!(await isDamage(error, mirror))) throw error;
    await mirror.renew();
    return take(place, mirror, await mirror.fetch(), taken, options);
  }
}

/** Of what git says that we don't know, damage is the likeliest: then all is looked through. */
async function isDamage(error: unknown, mirror: Mirror): Promise<boolean> {
  if (error instanceof Corrupt) return true;
  return (
    error instanceof Failure && error.problems.some(({ code }) => code === 'git-failed') && !(await mirror.isSound())
  );
}

async function take(
  place: Place,
  mirror: Mirror,
  id: string,
  taken: string | undefined,
  options: RefreshOptions,
): Promise<Refreshed> {
  const { remote } = mirror;
  await using objects = mirror.objects();
  const commit = await readCommit(objects, id);
  if (commit.commit === taken && isExported(remote, taken))
    return { kind: 'taken', commit, from: taken, rewritten: false };
  const approve =
    place.trust === undefined
      ? Promise.resolve()
      : verifyTrust(mirror, place.trust, taken, commit.commit, options.allowRewind === true);
  // Both at once; who fails first says so, and the other is waited for.
  approve.catch(() => undefined);
  try {
    if (isExported(remote, commit.commit)) await approve;
    else await exportCommit(mirror, objects, commit.commit, approve);
  } catch (error) {
    await approve.catch(() => undefined);
    if (error instanceof Refused)
      return { kind: 'refused', commit: commit.commit, problem: error.problems[0] as Problem };
    throw error;
  }
  const rewritten = taken !== undefined && !(await comesAfter(mirror, taken, commit));
  saveTaken(place.stateDir, place.desiredState, { commit: commit.commit, at: Date.now() });
  // The first one: there is nothing yet that it could take the place of.
  if (treeInForce(remote) === undefined) putTreeInForce(remote, commit.commit);
  pruneTrees(remote, new Set([commit.commit, ...(taken === undefined ? [] : [taken]), treeInForce(remote) ?? '']));
  return { kind: 'taken', commit, from: taken, rewritten };
}

/** Reads the commit that a name stands for. */
export async function readCommit(objects: Objects, name: string): Promise<Commit> {
  const found = await objects.one(`${name}^{commit}`);
  if (found.kind === 'commit') {
    const commit = parseCommit(found.id, found.content.toString('utf8'));
    if (commit !== undefined) return commit;
  }
  throw new Corrupt(`commit ${name} is not there`);
}

/** Writes the tree of a commit that the mirror has. */
export async function exportCommit(
  mirror: Mirror,
  objects: Objects,
  commit: string,
  approve = Promise.resolve(),
): Promise<string> {
  const { remote } = mirror;
  ensureTrees(remote);
  const tree = await listTree(objects, commit, remote.path);
  return exportTree(remote, objects, commit, tree, (ids) => mirror.fetchObjects(ids), approve);
}

/** The folder of a commit's tree: as it is there, or written anew. What is here needs no fetch, and waits for none. */
export async function treeAt(remote: Remote, commit: string): Promise<string> {
  if (isExported(remote, commit)) return treeFolder(remote, commit);
  mkdirSync(remote.folder, { recursive: true, mode: 0o700 });
  try {
    if (existsSync(mirrorOf(remote))) {
      const folder = await fromWhatIsHere(remote, commit);
      if (folder !== undefined) return folder;
    }
    using _ = await lockMirror(remote);
    const mirror = await openMirror(remote);
    await using objects = mirror.objects();
    return await exportCommit(mirror, objects, commit);
  } catch (error) {
    throw new Failure(problemFrom(error, remote));
  }
}

/** Undefined where a part of it has to be fetched, or is damaged. */
async function fromWhatIsHere(remote: Remote, commit: string): Promise<string | undefined> {
  const away = new Error('not here');
  try {
    await using objects = openObjects(remote, environmentOf(remote));
    ensureTrees(remote);
    const tree = await listTree(objects, commit, remote.path);
    return await exportTree(remote, objects, commit, tree, () => Promise.reject(away), Promise.resolve());
  } catch (error) {
    if (error === away || error instanceof Corrupt) return undefined;
    throw error;
  }
}

async function comesAfter(mirror: Mirror, taken: string, commit: Commit): Promise<boolean> {
  if (commit.commit === taken || commit.parents.includes(taken)) return true;
  const answer = await mirror.ask(['merge-base', '--is-ancestor', taken, commit.commit]);
  return answer.kind === 'done';
}

/** What trust must not be read from: what it is about. */
function withinOf({ desiredState }: Place, remote: Remote): readonly string[] {
  return [desiredState, remote.folder, ...(remote.url.startsWith('/') ? [remote.url] : [])];
}

/** What went wrong, as a problem; a defect of ours goes on as it is. */
export function problemFrom(error: unknown, remote: Remote): Problem {
  if (error instanceof Failure) return error.problems[0] as Problem;
  if (error instanceof Corrupt) return corruptProblem(remote, error);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined) throw error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return {
    code: full ? 'disk-full' : 'git-files',
    summary: `cannot keep commits in ${remote.folder}: ${why(error)}`,
    hint: full
      ? 'make room: what was last good stays in force, and it is tried again by itself'
      : 'is the folder of the state writable?',
  };
}

function remember(remote: Remote, result: Refreshed): void {
  saveSeen(remote, seenAfter(readSeen(remote), result, Date.now()));
}

function seenAfter({ trouble, refused, ...before }: Seen, result: Refreshed, now: number): Seen {
  switch (result.kind) {
    case 'taken': {
      const { commit, subject, author } = result.commit;
      return { version: 1, at: now, taken: { commit, subject, author } };
    }
    case 'refused': {
      const { commit, problem } = result;
      const since = refused?.commit === commit ? refused.since : now;
      return { ...before, at: now, refused: { commit, problem, since } };
    }
    case 'failed': {
      const seen: Seen = { ...before, trouble: { problem: result.problem, since: trouble?.since ?? now } };
      return refused === undefined ? seen : { ...seen, refused };
    }
    default:
      return unreachable(result);
  }
}
