import { existsSync, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Revision } from '../model.ts';

/**
 * The commit a directory is at, by git; nothing where it is in no work tree, git is missing, or the tree belongs to
 * somebody else: a repository's own configuration can run programs, so git never runs in one that others own.
 * core.fsmonitor is the one that `git status` would run; it and hooks are switched off besides.
 */
export async function commitOf(directory: string): Promise<Pick<Revision, 'commit' | 'dirty'>> {
  const root = repositoryOf(directory);
  if (root === undefined || lstatSync(root).uid !== process.getuid?.()) return {};
  try {
    const { simpleGit } = await import('simple-git');
    const git = simpleGit({
      baseDir: directory,
      timeout: { block: 5000 },
      config: ['core.fsmonitor=false', 'core.hooksPath=/dev/null'],
      // Naming these two at all counts as unsafe to the library; they are named to be switched off.
      unsafe: { allowUnsafeFsMonitor: true, allowUnsafeHooksPath: true },
    });
    const [commit, changes] = await Promise.all([
      git.raw('rev-parse', '--verify', '--quiet', 'HEAD'),
      git.raw('status', '--porcelain', '--untracked-files=all', '--', '.'),
    ]);
    if (commit.trim() === '') return {};
    return { commit: commit.trim(), dirty: changes.trim() !== '' };
  } catch {
    return {};
  }
}

function repositoryOf(directory: string): string | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return join(folder, '.git');
    if (dirname(folder) === folder) return undefined;
  }
}
