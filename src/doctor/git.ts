import { lstatSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkSigners } from '../git/trust.ts';
import { headOf, type WorkTree, workTreeOf } from '../git/worktree.ts';
import { Failure } from '../problem.ts';
import { bad, type Finding, octal, ok, warning, word } from './finding.ts';
import { fromProblem, remoteFindings } from './git-remote.ts';
import type { Check, Means } from './means.ts';
import { run } from './run.ts';

/** What fetches from elsewhere and signatures are checked by. */
const OLDEST = [2, 36] as const;
/** A lock this old (ms) is one that a git has left behind. */
const LEFT = 30_000;

/** Git, the repository of the desired state, and who is trusted. */
export const git: Check = {
  topic: 'git',
  look: async (means, signal) => {
    const { config } = means;
    const tree = config.git === undefined ? workTreeOf(config.desiredState) : undefined;
    const needed = config.git !== undefined || config.trust !== undefined;
    if (!needed && tree === undefined)
      return [
        ok('git', 'the desired state is a plain directory: no commit is known of it', {
          hint: 'git init there gives it a history, and reconcile diff, explain and rollback something to go by',
        }),
      ];
    const [version, remote] = await Promise.all([
      versionFindings(means, signal, needed),
      config.git === undefined ? [] : remoteFindings(config, signal),
    ]);
    return [
      ...version,
      ...(tree === undefined ? [] : treeFindings(tree, means)),
      ...remote,
      ...trustFindings(config, tree),
    ];
  },
};

async function versionFindings(_: Means, signal: AbortSignal, needed: boolean): Promise<readonly Finding[]> {
  const { stdout, missing } = await run('git', ['--version'], { signal });
  return [judgeVersion(missing ? undefined : stdout, needed)];
}

/** Pure: what `git --version` says; undefined where there is none. */
export function judgeVersion(said: string | undefined, needed: boolean): Finding {
  const grade = needed ? bad : warning;
  if (said === undefined)
    return grade('git-version', 'there is no git here: commits are not known', { mend: ['apt-get install git'] });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(said) ?? [];
  const old = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
  if (!old) return ok('git-version', said.trim());
  return grade('git-version', `${said.trim()} is too old: ${OLDEST.join('.')} or later is needed`, {
    hint: 'for repositories elsewhere and for trust',
  });
}

/** The work tree that the desired state lies in. */
function treeFindings(tree: WorkTree, { uid, now }: Means): readonly Finding[] {
  const { root, gitDir, commonDir } = tree;
  const found: Finding[] = [];
  const owner = statSync(gitDir).uid;
  if (owner !== uid && uid !== 0)
    found.push(
      warning('git-owner', `the repository ${root} belongs to another user: git itself refuses it`, {
        evidence: [`${gitDir}: user ${owner}, and you are ${uid}`],
        mend: [`git config --global --add safe.directory ${word(root)}`],
      }),
    );
  const config = join(commonDir, 'config');
  const mode = lstatSync(config, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o022) !== 0)
    found.push(
      warning('git-config', `others can write ${config}, and a repository's configuration can run programs`, {
        evidence: [`mode ${octal(mode)}`],
        mend: [`chmod go-w ${word(config)}`],
      }),
    );
  found.push(...lockFindings(join(gitDir, 'index.lock'), now));
  const head = headOf(tree);
  if (head === undefined)
    found.push(
      warning('git-head', `the repository ${root} has no commit yet`, {
        mend: [`git -C ${word(root)} add --all . && git -C ${word(root)} commit --message 'A first desired state'`],
      }),
    );
  return found.length > 0 ? found : [ok('git-repository', `${root} at ${head?.slice(0, 12)}`)];
}

/** A run waits for whoever holds it. */
export function lockFindings(path: string, now: number): readonly Finding[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || now - stat.mtimeMs < LEFT) return [];
  return [
    warning('git-lock', `a git has left its lock behind: every git command there fails`, {
      evidence: [`${path}, since ${stat.mtime.toISOString()}`],
      hint: 'where no git runs there',
      mend: [`rm ${word(path)}`],
    }),
  ];
}

function trustFindings({ trust, stateDir }: Means['config'], tree: WorkTree | undefined): readonly Finding[] {
  if (trust === undefined) return [];
  try {
    checkSigners(trust, [stateDir, ...(tree === undefined ? [] : [realpathSync(tree.root)])]);
    return [ok('git-trust', `only commits that ${trust.signedBy} lets sign`)];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.problems.map((problem) => fromProblem('git-trust', problem));
  }
}
