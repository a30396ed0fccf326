import type { Revision } from '../model.ts';
import { configured, hardened, passed, SETTINGS } from './environment.ts';
import { runGit } from './run.ts';
import { isOurs, type WorkTree } from './worktree.ts';

/**
 * The commit a directory is at, by git; nothing where git is missing, or may not run in the tree: a repository's own
 * configuration can run programs, so git never runs in one that others own. What `git status` would run besides, a monitor
 * of files and hooks, is switched off; what the account says of ignored files and of line ends counts as ever.
 */
export async function commitOf(directory: string, tree: WorkTree): Promise<Pick<Revision, 'commit' | 'dirty'>> {
  if (!isOurs(tree)) return {};
  const environment = { ...account(), GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C', ...configured(SETTINGS) };
  const args = ['status', '--porcelain=v2', '--branch', '--untracked-files=normal', '--', '.'];
  const answer = await runGit({ url: directory, folder: directory }, environment, args, { silent: 5000, most: 10_000 });
  if (answer.kind === 'failed') return {};
  const lines = answer.text.split('\n').filter((line) => line !== '');
  const commit = lines
    .map((line) => /^# branch\.oid ([0-9a-f]{40,64})$/.exec(line)?.[1])
    .find((id) => id !== undefined);
  return commit === undefined ? {} : { commit, dirty: lines.some((line) => !line.startsWith('#')) };
}

/** The text of a file as a commit of a work tree has it; undefined where it has none. Fails where git can't say. */
export async function committedText(
  tree: WorkTree,
  commit: string,
  files: readonly string[],
): Promise<string | undefined> {
  const environment = { ...passed(), ...hardened(), ...configured(SETTINGS), GIT_NO_LAZY_FETCH: '1' };
  const prefix = tree.path === '' ? '' : `${tree.path}/`;
  const input = files.map((file) => `${commit}:${prefix}${file}\n`).join('');
  const answer = await runGit({ url: tree.root, folder: tree.root }, environment, ['cat-file', '--batch'], {
    input,
    silent: 5000,
  });
  if (answer.kind === 'failed') throw new Error(answer.failure.text);
  const [, size] = /^[0-9a-f]{40,64} blob (\d+)$/m.exec(answer.text) ?? [];
  if (size === undefined) return undefined;
  const begin = answer.text.search(/^[0-9a-f]{40,64} blob \d+$/m);
  const from = answer.text.indexOf('\n', begin) + 1;
  return Buffer.from(answer.text.slice(from)).toString('utf8', 0, Number(size));
}

/** What git may know of the account that we are. */
function account(): Record<string, string> {
  const names = ['HOME', 'XDG_CONFIG_HOME', 'USER', 'LOGNAME'];
  return {
    ...passed(),
    ...Object.fromEntries(
      names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] as string]])),
    ),
  };
}
