import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeAtomic } from '../host/files.ts';
import { Failure, why } from '../problem.ts';
import type { NewFile } from './files.ts';

/**
 * Writes files, those with secrets first, so that nothing names one that is not there. What is put into somebody's
 * repository is theirs, whoever wrote it; secrets are for those alone who write them.
 */
export function writeAll(files: readonly NewFile[]): void {
  const rank = ({ kind }: NewFile) => ['environment', 'supervisor', 'service'].indexOf(kind);
  for (const { path, text, mode, kind } of [...files].sort((a, b) => rank(a) - rank(b))) {
    try {
      const owner = kind === 'environment' ? undefined : ownerOf(dirname(path));
      makeFolder(dirname(path), kind === 'environment' ? 0o700 : 0o755, owner);
      writeAtomic(path, text, { mode, sync: true });
      // Whatever the umask says.
      chmodSync(path, mode);
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    } catch (error) {
      const summary = `cannot write ${path}: ${why(error)}`;
      const hint = kind === 'environment' ? 'choose another folder for secrets with --env-dir DIR' : undefined;
      throw new Failure({ code: 'import-unwritable', summary, ...(hint === undefined ? {} : { hint }) });
    }
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whose the nearest folder above is that is there; undefined where only its owner can write, who we are. */
function ownerOf(folder: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (!existsSync(folder)) return dirname(folder) === folder ? undefined : ownerOf(dirname(folder));
  const { uid, gid } = statSync(folder);
  return uid === 0 ? undefined : { uid, gid };
}

function makeFolder(folder: string, mode: number, owner: Owner | undefined): void {
  if (existsSync(folder)) return;
  // Only the last one is as private as what is in it.
  makeFolder(dirname(folder), 0o755, owner);
  mkdirSync(folder, { mode });
  chmodSync(folder, mode);
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
}
