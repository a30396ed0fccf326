/** Where the desired state comes from: files of this host, what is committed of them, or a repository elsewhere. */
import { hash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import type { Cache } from './desired/cache.ts';
import { type Loaded, load } from './desired/load.ts';
import { checkSafety, writableByOthers } from './desired/safety.ts';
import { checkTrusted, openCommits, repositoryOf } from './git/commits.ts';
import { isExported, putTreeInForce } from './git/export.ts';
import { readSeen, readTaken } from './git/remember.ts';
import type { Remote } from './git/remote.ts';
import { commitOf, committedText } from './git/revision.ts';
import { type Refreshed, refresh, treeAt } from './git/source.ts';
import { headOf, isBeingWritten, markOf, remoteOfWorkTree, type WorkTree, workTreeOf } from './git/worktree.ts';
import type { Revision } from './model.ts';
import { Failure, type Problem, why } from './problem.ts';

/** What was read, and the commit that it is of. */
export interface Read {
  readonly loaded: Loaded;
  readonly revision: Pick<Revision, 'commit' | 'dirty'>;
}

/** How long (ms) a git that is writing the files is waited for. */
const PATIENCE = 5000;

/** Reads what the source says now: of a repository elsewhere, the commit that was taken last. Fetches nothing from elsewhere. */
export async function readSource(config: Config, cache: Cache): Promise<Read> {
  if (config.git !== undefined) return readTakenCommit(config, repositoryOf(config) as Remote, cache);
  const tree = workTreeOf(config.desiredState);
  if (config.trust === undefined) return readFiles(config, tree, cache);
  if (tree === undefined) throw new Failure(noRepository(config, 'trust is about commits'));
  const read = await readCommitted(config, tree, cache);
  const asked = read.loaded.kind === 'valid' && read.loaded.desired.policy.written.worktree === 'apply';
  if (asked) throw new Failure(APPLY_WITH_TRUST);
  return read;
}

/** The desired state as of a commit of the source; with trust to be had, none that is not trusted. */
export async function readSourceAt(config: Config, commit: string, cache: Cache): Promise<Read> {
  const commits = await openCommits(config);
  if (commits === undefined) throw new Failure(noRepository(config, `there is no commit ${commit.slice(0, 12)}`));
  await checkTrusted(config, commit);
  return readFolder(config, await commits.export(commit), rootOf(config), commit, cache);
}

/**
 * Puts the tree of a commit where services find it, before anything of it is applied. True where another was there; does
 * nothing where files are the source.
 */
export function putInForce(config: Config, { commit }: Revision): boolean {
  const remote = exported(config);
  if (remote === undefined || commit === undefined || !isExported(remote, commit)) return false;
  return putTreeInForce(remote, commit);
}

/** Of a source that is read from commits of ours, where that is not the directory itself. */
function exported(config: Config): Remote | undefined {
  return config.git === undefined && config.trust === undefined ? undefined : repositoryOf(config);
}

/** What relative paths of services are relative to: the same for all commits. */
function rootOf(config: Config): string {
  if (config.git !== undefined) return config.desiredState;
  if (config.trust === undefined) return realpathSync(config.desiredState);
  // What is signed is the commit, and not what else lies in the tree.
  return join((repositoryOf(config) as Remote).folder, 'tree');
}

/** As root: refuses a source that others can write. What is signed may lie where it likes. */
export function checkSource(config: Config): readonly Problem[] {
  if (config.git === undefined && config.trust === undefined) return checkSafety(config.desiredState);
  const open = writableByOthers(nearest(config.stateDir));
  if (open === undefined) return [];
  return [
    {
      code: 'unsafe-path',
      summary: `cannot keep commits in ${config.stateDir} as root: others can write ${open}`,
      hint: `chown root ${open} && chmod go-w ${open}`,
    },
  ];
}

/** The path, or the folder above it that is there. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

/**
 * Before a run of its own a source elsewhere is looked at. Fails where nobody can tell what is newest, or it is not to be
 * taken; who only looks makes do with what was taken before.
 */
export async function bringUp(
  config: Config,
  options: { readonly looking?: boolean; readonly allowRewind?: boolean },
  note: (problem: Problem) => void,
): Promise<Refreshed | undefined> {
  const remote = exported(config);
  if (remote === undefined) return undefined;
  const result = await refresh(config, remote, { nudged: true, allowRewind: options.allowRewind === true });
  if (result.kind === 'taken') return result;
  const { problem } = result;
  if (options.looking !== true || readTaken(config.stateDir, config.desiredState) === undefined)
    throw new Failure(problem);
  note(problem);
  return result;
}

async function readTakenCommit(config: Config, remote: Remote, cache: Cache): Promise<Read> {
  const taken = readTaken(config.stateDir, config.desiredState);
  if (taken === undefined) throw new Failure(nothingTaken(remote));
  return readFolder(config, await treeAt(remote, taken.commit), rootOf(config), taken.commit, cache);
}

/** What HEAD says, whatever lies in the tree. */
async function readCommitted(config: Config, tree: WorkTree, cache: Cache): Promise<Read> {
  const remote = remoteOfWorkTree(config, tree);
  const head = headOf(tree);
  const { refused } = readSeen(remote);
  let taken = readTaken(config.stateDir, config.desiredState)?.commit;
  // What was refused stays so, unless who may sign has changed since.
  if (refused !== undefined && refused.commit === head && !signersChanged(config, refused.since))
    throw new Failure(refused.problem);
  if (taken === undefined || taken !== head) {
    const result = await refresh(config, remote, { nudged: true });
    if (result.kind !== 'taken') throw new Failure(result.problem);
    taken = result.commit.commit;
  }
  return readFolder(config, await treeAt(remote, taken), rootOf(config), taken, cache);
}

function signersChanged({ trust }: Config, since: number): boolean {
  return trust !== undefined && (statSync(trust.signedBy, { throwIfNoEntry: false })?.ctimeMs ?? 0) >= since;
}

/** The files as they are, unless the policy that is committed says that only what is committed counts. */
async function readFiles(config: Config, tree: WorkTree | undefined, cache: Cache): Promise<Read> {
  const { desiredState: directory, host: hostname, logDir } = config;
  const read = async (): Promise<Read> => {
    const revision = tree === undefined ? {} : commitOf(directory, tree);
    const loaded = await load({ directory, hostname, logDir, cache });
    return { loaded, revision: await revision };
  };
  const result = tree === undefined ? await read() : await whole(tree, read);
  const { loaded, revision } = result;
  const says = loaded.kind === 'valid' && loaded.desired.policy.written.worktree === 'committed-only';
  if (tree === undefined) {
    if (says) throw new Failure(noRepository(config, 'policy.yaml says `worktree: committed-only`'));
    return result;
  }
  const { commit, dirty } = revision;
  const only = dirty === true && commit !== undefined ? await committedOnly(tree, commit) : says;
  return only ? readCommitted(config, tree, cache) : result;
}

/** Reads when no git is writing the files, and again where one was meanwhile: never half of a checkout. */
async function whole<T>(tree: WorkTree, read: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + PATIENCE; ; await sleep(50)) {
    if (!isBeingWritten(tree)) {
      const before = markOf(tree);
      const result = await read();
      if (markOf(tree) === before && !isBeingWritten(tree)) return result;
    }
    if (Date.now() > end) throw new Failure(checkoutUnderWay(tree));
  }
}

/** By commit: what its policy says of the work tree. */
const policies = new Map<string, boolean>();

async function committedOnly(tree: WorkTree, commit: string): Promise<boolean> {
  const key = `${tree.root}\0${tree.path}\0${commit}`;
  const known = policies.get(key);
  if (known !== undefined) return known;
  let text: string | undefined;
  try {
    text = await committedText(tree, commit, ['policy.yaml', 'policy.yml', 'policy.json']);
  } catch (error) {
    throw new Failure({
      code: 'git-failed',
      summary: `cannot read the policy of commit ${commit.slice(0, 12)}: ${why(error)}`,
    });
  }
  const only = text !== undefined && (await worktreeWord(text)) === 'committed-only';
  // One a tree: what was before is not asked for again.
  policies.clear();
  policies.set(key, only);
  return only;
}

async function worktreeWord(text: string): Promise<unknown> {
  const { examine } = await import('./desired/examine.ts');
  const bytes = Buffer.from(text);
  const source = { file: 'policy.yaml', bytes, hash: hash('sha256', bytes, 'hex') };
  const { value } = await examine('policy', { name: 'policy', layers: [{ kind: 'base', source }] });
  // Of what can't be parsed, what it seems to say.
  return value === undefined ? /^\s*worktree:\s*['"]?(committed-only)/m.exec(text)?.[1] : value.worktree;
}

async function readFolder(
  config: Config,
  directory: string,
  root: string,
  commit: string,
  cache: Cache,
): Promise<Read> {
  const { host: hostname, logDir } = config;
  return { loaded: await load({ directory, root, hostname, logDir, cache }), revision: { commit, dirty: false } };
}

function nothingTaken(remote: Remote): Problem {
  const { trouble, refused } = readSeen(remote);
  const hint = '`reconcile sync` fetches it';
  return (
    refused?.problem ??
    trouble?.problem ?? { code: 'git-not-fetched', summary: `nothing was fetched yet from ${remote.url}`, hint }
  );
}

function noRepository({ desiredState }: Config, because: string): Problem {
  return {
    code: 'no-repository',
    summary: `${because}, and ${desiredState} is in no git work tree`,
    hint: 'put it into one (git init), or take that out of the configuration',
  };
}

function checkoutUnderWay({ gitDir }: WorkTree): Problem {
  return {
    code: 'checkout-under-way',
    summary: `cannot read half of a checkout: a git is writing the files (${join(gitDir, 'index.lock')})`,
    hint: 'wait for it; where no git runs, remove that file',
  };
}

const APPLY_WITH_TRUST: Problem = {
  code: 'trust-apply',
  summary:
    'cannot have both `worktree: apply` (policy.yaml) and `trust` (the configuration): files that are not committed are signed by nobody',
  hint: 'write `worktree: committed-only`, or take trust out of the configuration',
};
