import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a watch of the files of a directory does not tell: that the directory itself is another by now (made anew, or what its
 * symbolic link leads to), and that symbolic links in it lead elsewhere, or to something that is replaced where it is.
 */
export interface Links {
  /** Something is another than at the last look. */
  changed(): boolean;
}

export function followLinks(directory: string, isPart: (path: string) => boolean): Links {
  let links = linksBelow(directory, isPart);
  let last = lookAt(directory, links);
  return {
    changed: () => {
      const now = lookAt(directory, links);
      if (now === last) return false;
      links = linksBelow(directory, isPart);
      last = lookAt(directory, links);
      return true;
    },
  };
}

function lookAt(directory: string, links: readonly string[]): string {
  return [directory, ...links].map(identity).join('\n');
}

/** Where a path leads, and what is there: not its content, which is watched. */
function identity(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${realpathSync(path)} ${dev}:${ino}`;
  } catch {
    return 'gone';
  }
}

function linksBelow(folder: string, isPart: (path: string) => boolean): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (!isPart(path)) return [];
      if (entry.isSymbolicLink()) return [path];
      return entry.isDirectory() ? linksBelow(path, isPart) : [];
    });
  } catch {
    return [];
  }
}
