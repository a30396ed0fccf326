import { mkdirSync } from 'node:fs';
import { Failure } from '../problem.ts';
import type { Commit } from './commit.ts';
import { lockMirror } from './locks.ts';
import { FETCH, type Mirror, openMirror, readRef } from './mirror.ts';
import { Corrupt } from './objects.ts';
import { readTaken } from './remember.ts';
import { FETCHED, mirrorOf, type Place, type Remote } from './remote.ts';
import { problemOf } from './run.ts';
import { problemFrom, readCommit, treeAt } from './source.ts';
import { verifyTrust } from './trust.ts';
import { remoteOfSettings, remoteOfWorkTree, workTreeOf } from './worktree.ts';

/** The commits of the repository that a desired state comes from, or lies in. */
export interface Commits {
  /** The full name of the commit that people call so: a branch, a tag, a hash or the beginning of one, `HEAD~2`. */
  resolve(name: string): Promise<string>;
  describe(commit: string): Promise<Pick<Commit, 'commit' | 'subject' | 'author' | 'at'>>;
  /** The folder of its desired state, written where it is not there yet. Not to be changed. */
  export(commit: string): Promise<string>;
}

/** Undefined where the desired state is in no repository. */
export async function openCommits(place: Place): Promise<Commits | undefined> {
  const remote = repositoryOf(place);
  if (remote === undefined) return undefined;
  const inWorkTree = place.git === undefined;
  return {
    resolve: (name) => guarded(remote, (mirror) => resolveIn(mirror, name, inWorkTree)),
    describe: (commit) =>
      guarded(remote, async (mirror) => {
        await using objects = mirror.objects();
        const { subject, author, at } = await readCommit(objects, commit);
        return { commit, subject, author, at };
      }),
    export: (commit) => treeAt(remote, commit),
  };
}

/** The repository of a desired state: the one that is configured, or that of the work tree it is in. */
export function repositoryOf(place: Place): Remote | undefined {
  if (place.git !== undefined) return remoteOfSettings(place);
  const tree = workTreeOf(place.desiredState);
  return tree === undefined ? undefined : remoteOfWorkTree(place, tree);
}

/**
 * Fails unless a commit may be applied. With trust to be had it is the one that was taken last, an older one of its history,
 * or signed itself.
 */
export async function checkTrusted(place: Place, commit: string): Promise<void> {
  const remote = repositoryOf(place);
  const { trust } = place;
  const taken = readTaken(place.stateDir, place.desiredState)?.commit;
  if (trust === undefined || remote === undefined || commit === taken) return;
  await guarded(remote, async (mirror) => {
    if (taken !== undefined) {
      const answer = await mirror.ask(['merge-base', '--is-ancestor', commit, taken]);
      if (answer.kind === 'done') return;
    }
    await verifyTrust(mirror, trust, undefined, commit, true);
  });
}

async function guarded<T>(remote: Remote, act: (mirror: Mirror) => Promise<T>): Promise<T> {
  mkdirSync(remote.folder, { recursive: true, mode: 0o700 });
  try {
    using _ = await lockMirror(remote);
    return await act(await openMirror(remote));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(problemFrom(error, remote));
  }
}

async function resolveIn(mirror: Mirror, name: string, inWorkTree: boolean): Promise<string> {
  const [, base = '', rest = ''] = /^([^~^@:]+|@)((?:[~^]\d*)*)$/.exec(name) ?? [];
  if (base === '' || base.startsWith('-')) throw unknown(name);
  const isHash = /^[0-9a-f]{4,64}$/.test(base);
  const known = isHash ? await find(mirror, `${base}${rest}`) : undefined;
  if (known !== undefined) return known;
  // A branch can have moved since.
  const id = inWorkTree ? await refOfWorkTree(mirror, base) : await refOfRemote(mirror, base);
  const found = id === undefined ? undefined : await find(mirror, `${id}${rest}`);
  if (found !== undefined) return found;
  throw unknown(name);
}

async function refOfRemote(mirror: Mirror, base: string): Promise<string | undefined> {
  // What is followed is seen as it is here.
  if (base === 'HEAD' || base === '@' || base === mirror.remote.ref)
    return readRef(mirrorOf(mirror.remote)) ?? (await mirror.fetch());
  return mirror.fetchNamed(base);
}

const ALL = 'refs/reconciled/all';

async function refOfWorkTree({ run, remote }: Mirror, base: string): Promise<string | undefined> {
  const refs = ['heads', 'tags', 'remotes'].map((kind) => `+refs/${kind}/*:${ALL}/${kind}/*`);
  const answer = await run([...FETCH, '--prune', 'origin', `+HEAD:${FETCHED}`, ...refs]);
  if (answer.kind === 'failed') throw new Failure(problemOf(answer.failure, remote));
  if (base === 'HEAD' || base === '@') return readRef(mirrorOf(remote));
  if (base.split('/').includes('..')) return undefined;
  // What was fetched alone under its hash is there now.
  if (/^[0-9a-f]{4,64}$/.test(base)) return base;
  return ['tags', 'heads', 'remotes']
    .map((kind) => readRef(mirrorOf(remote), `${ALL}/${kind}/${base}`))
    .find((id) => id !== undefined);
}

async function find(mirror: Mirror, name: string): Promise<string | undefined> {
  await using objects = mirror.objects();
  const found = await objects.one(`${name}^{commit}`).catch((error) => {
    if (error instanceof Corrupt) return undefined;
    throw error;
  });
  return found?.kind === 'commit' ? found.id : undefined;
}

function unknown(name: string): Failure {
  return new Failure({
    code: 'unknown-commit',
    summary: `there is no commit '${name}' in the repository of the desired state`,
    hint: 'name a branch, a tag, a hash of at least 4 digits, or HEAD~1',
  });
}
