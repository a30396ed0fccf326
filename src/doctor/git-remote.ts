import { existsSync, statSync } from 'node:fs';
import type { Config } from '../config.ts';
import { environmentOf } from '../git/environment.ts';
import { readSeen } from '../git/remember.ts';
import { localPath, type Remote } from '../git/remote.ts';
import { problemOf, runGit, shownUrl } from '../git/run.ts';
import { remoteOfSettings } from '../git/worktree.ts';
import { Failure, type Problem } from '../problem.ts';
import { bad, type Finding, octal, ok, word } from './finding.ts';

/** ms that a remote may take to answer. */
const PATIENCE = 6000;

/** The repository elsewhere: does it answer, and what was seen of it last. */
export async function remoteFindings(config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const found: Finding[] = [...fileFindings(config)];
  let remote: Remote | undefined;
  try {
    remote = remoteOfSettings(config);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [...found, ...error.problems.map((problem) => fromProblem('git-remote', problem))];
  }
  if (remote === undefined) return found;
  const { refused } = readSeen(remote);
  if (refused !== undefined) found.push(fromProblem('git-refused', refused.problem));
  const problem = await reach(remote, signal);
  if (problem !== undefined) return [...found, fromProblem('git-remote', problem)];
  return [...found, ok('git-remote', `${shownUrl(remote)} answers`)];
}

/** By a look that fetches nothing, and needs nothing of what is kept here. */
async function reach(remote: Remote, signal: AbortSignal): Promise<Problem | undefined> {
  const { GIT_DIR: _, HOME: __, ...environment } = environmentOf(remote);
  const home = process.env.HOME ?? '/';
  const path = localPath(remote.url);
  const at = { url: remote.url, folder: '/' };
  if (path !== undefined && !existsSync(path))
    return problemOf({ reason: 'said', text: `fatal: '${path}' does not appear to be a git repository` }, remote);
  const args = ['ls-remote', '--exit-code', 'origin', remote.ref ?? 'HEAD'];
  const answer = await runGit(at, { ...environment, HOME: home, GIT_CEILING_DIRECTORIES: '/' }, args, {
    ...{ silent: PATIENCE, most: PATIENCE, signal },
  });
  if (answer.kind === 'done') return undefined;
  const { failure } = answer;
  // It ends with 2 and no word where it has no such ref.
  if (failure.reason === 'said' && failure.text === '')
    return problemOf({ ...failure, text: `couldn't find remote ref ${remote.ref ?? 'HEAD'}` }, remote);
  return problemOf(failure, remote);
}

/** The files that the configuration names for it. */
function fileFindings({ git }: Config): readonly Finding[] {
  const secret = (name: string, path: string | undefined): readonly Finding[] =>
    path === undefined ? [] : secretFindings(`git.${name}`, path);
  const known = git?.knownHosts;
  return [
    ...secret('sshKey', git?.sshKey),
    ...secret('tokenFile', git?.tokenFile),
    ...(known === undefined || existsSync(known)
      ? []
      : [
          bad('git-files', `git.knownHosts: there is no ${known}: no host is known`, {
            hint: 'ssh-keyscan HOST shows its key: compare, then add it',
          }),
        ]),
  ];
}

/** What only we may read: ssh refuses a key that others can read, and a token is theirs then too. */
export function secretFindings(name: string, path: string): readonly Finding[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [bad('git-files', `${name}: there is no ${path}`)];
  if ((stat.mode & 0o077) === 0) return [];
  return [
    bad('git-files', `${name}: others can read ${path}`, {
      evidence: [`mode ${octal(stat.mode)}`],
      mend: [`chmod 0600 ${word(path)}`],
    }),
  ];
}

/** What there is to say of it may be a command. */
export function fromProblem(check: string, { summary, hint }: Problem): Finding {
  const isCommand = hint !== undefined && /^(chmod|chown) /.test(hint);
  return bad(check, summary, hint === undefined ? {} : isCommand ? { mend: [hint] } : { hint });
}
