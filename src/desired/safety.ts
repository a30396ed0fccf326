import { existsSync, lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { writableBy } from '../host/writable.ts';
import { type Problem, why } from '../problem.ts';

/** Where there is no desired state. */
export const CHOOSE = 'say where it is: --desired-state DIR; or make a first one: reconcile init DIR';

/**
 * As root: what others than root can write must not say what root runs. A directory is refused where it, anything in
 * it, what its symbolic links lead to, or any folder above it can be written by others; a sticky folder above (/tmp)
 * is fine. Nothing is refused when not root.
 */
export function checkSafety(directory: string): Problem[] {
  if (process.getuid?.() !== 0) return [];
  try {
    const unsafe = [...new Set([...unsafeOnWay(directory), ...unsafeBelow(realpathSync(directory))])];
    const [first] = unsafe;
    if (first === undefined) return [];
    const others = unsafe.length === 1 ? '' : ` and ${unsafe.length - 1} more`;
    return [
      {
        code: 'unsafe-path',
        summary: `cannot use ${directory} as root: others can write ${first}${others}`,
        hint: `chown -R root ${directory} && chmod -R go-w ${directory}, and the same for the folders above it`,
      },
    ];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !existsSync(directory))
      return [{ code: 'unreadable-folder', summary: `cannot read ${directory}: ${why(error)}`, hint: CHOOSE }];
    const summary = `cannot tell who can write ${directory}: ${why(error)}`;
    return [{ code: 'unsafe-path', summary }];
  }
}

/** As root: a file on the host, or a folder above it, that others can write; undefined where there is none. */
export function writableByOthers(path: string): string | undefined {
  return process.getuid?.() === 0 ? unsafeOnWay(path)[0] : undefined;
}

/** Of a path as it is written and as it really is: what others can write. */
function unsafeOnWay(path: string): string[] {
  const ways = [...new Set([path, realpathSync(path)])];
  return ways.map(writableBy).filter((open) => open !== undefined);
}

function unsafeBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name === '.git') return [];
    if (entry.isDirectory()) return [...(isOpen(lstatSync(path)) ? [path] : []), ...unsafeBelow(path)];
    if (!entry.isSymbolicLink()) return isOpen(lstatSync(path)) ? [path] : [];
    // A dangling link is told where the desired state is loaded.
    return statSync(path, { throwIfNoEntry: false }) === undefined ? [] : unsafeOnWay(path);
  });
}

/** The mode of a symbolic link means nothing; its owner can't change it but can replace it. */
function isOpen(stat: Stats): boolean {
  return stat.uid !== 0 || (!stat.isSymbolicLink() && (stat.mode & 0o022) !== 0);
}
