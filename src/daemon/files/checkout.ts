import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The git folder of the work tree that a directory lies in, undefined where it is in none. Only looks; git is not run. */
export function gitFolderOf(directory: string): string | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    const found = join(folder, '.git');
    try {
      if (statSync(found).isDirectory()) return found;
      // Of a further work tree (gitrepository-layout(5)).
      const [, path] = /^gitdir: (.+)$/m.exec(readFileSync(found, 'utf8')) ?? [];
      return path === undefined ? undefined : resolve(folder, path);
    } catch {
      if (dirname(folder) === folder) return undefined;
    }
  }
}

/** git holds this lock while it writes the files of a work tree. */
export function isCheckoutUnderWay(gitFolder: string): boolean {
  return existsSync(join(gitFolder, 'index.lock'));
}

/** The files that change with each commit, checkout, merge and reset. */
export function headsOf(gitFolder: string): readonly string[] {
  return [join(gitFolder, 'HEAD'), join(gitFolder, 'logs/HEAD')];
}
