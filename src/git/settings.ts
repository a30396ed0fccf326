import { join, resolve } from 'node:path';
import { Failure, type Problem } from '../problem.ts';
import type { GitSettings, Settings, WrittenFile } from '../settings.ts';
import { parseDuration } from '../units.ts';

const POLL = 60_000;
/** A remote is not to be asked more often (ms). */
const SHORTEST = 1000;

/** What a file says, with absolute paths and milliseconds. Fails with all problems. `folder`: of the file. */
export function settingsOf({ git, trust, readGroup, watch }: WrittenFile, folder: string): Settings {
  const problems: Problem[] = [];
  const duration = (key: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const ms = parseDuration(text);
    if (ms === undefined || ms < SHORTEST)
      problems.push({
        code: 'config-type',
        summary: `cannot use ${key}: '${text}' is no duration of at least 1s`,
        hint: `write it as in \`${key}: 60s\``,
      });
    return ms;
  };
  const gitPoll = duration('git.poll', git?.poll) ?? POLL;
  const watchPoll = duration('watch.poll', watch?.poll);
  const inside = git?.path?.split('/').filter((part) => part !== '' && part !== '.');
  if (inside?.includes('..') === true)
    problems.push({ code: 'config-type', summary: `cannot use git.path: '${git?.path}' leads out of the repository` });
  if (problems.length > 0) throw new Failure(...problems);
  return {
    ...(git === undefined ? {} : { git: gitOf(git, gitPoll, inside?.join('/'), folder) }),
    ...(trust === undefined ? {} : { trust: { signedBy: resolve(folder, trust.signedBy) } }),
    ...(readGroup === undefined ? {} : { readGroup }),
    ...(watchPoll === undefined ? {} : { watch: { poll: watchPoll } }),
  };
}

/** Where the tree of a repository is kept: one name for one place, whatever commit it is at. */
export function treeOf(stateDir: string, git: GitSettings): string {
  return join(folderOf(stateDir, git), 'tree');
}

/** The folder of all that is kept of a repository: its mirror, trees of commits. */
export function folderOf(stateDir: string, { url, path = '' }: GitSettings): string {
  const name =
    url
      .replace(/\/+$|\.git$/g, '')
      .split(/[/:]/)
      .at(-1) || 'repository';
  // Every command reads its settings; few have a remote, and to load this takes a tenth of what a command takes.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const digest = createHash('sha256').update(`${url}\0${path}`).digest('hex').slice(0, 10);
  return join(stateDir, 'git', `${name.replace(/[^A-Za-z0-9_.-]/g, '-')}-${digest}`);
}

function gitOf(
  written: NonNullable<WrittenFile['git']>,
  poll: number,
  path: string | undefined,
  folder: string,
): GitSettings {
  const { url, ref, sshKey, knownHosts, tokenFile, credentialHelper } = written;
  const files = Object.entries({ sshKey, knownHosts, tokenFile }).flatMap(([key, file]) =>
    file === undefined ? [] : [[key, resolve(folder, file)] as const],
  );
  return {
    // A path is one of this host; anything else is left for git to read.
    url: /^\.{0,2}\//.test(url) ? resolve(folder, url) : url,
    poll,
    ...(ref === undefined ? {} : { ref }),
    ...(path === undefined || path === '' ? {} : { path }),
    ...Object.fromEntries(files),
    ...(credentialHelper === undefined ? {} : { credentialHelper }),
  };
}
