import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { writableBy } from '../host/writable.ts';
import { Failure } from '../problem.ts';
import { localPath, type Place, type Remote, remoteOf } from './remote.ts';

/** The work tree that a directory is in. */
export interface WorkTree {
  /** Its top. */
  readonly root: string;
  /** Where its HEAD and index are, */
  readonly gitDir: string;
  /** and its branches: the same, but in a work tree that was added to another. */
  readonly commonDir: string;
  /** The directory in it; '' at its top. */
  readonly path: string;
}

/** Finds it by its files alone: no git runs. */
export function workTreeOf(directory: string): WorkTree | undefined {
  const real = existsSync(directory) ? realpathSync(directory) : directory;
  for (let root = real; ; root = dirname(root)) {
    const git = join(root, '.git');
    if (existsSync(git)) {
      const gitDir = gitDirOf(git);
      if (gitDir === undefined) return undefined;
      const common = readText(join(gitDir, 'commondir'));
      const commonDir = common === undefined ? gitDir : resolve(gitDir, common.trim());
      return { root, gitDir, commonDir, path: relative(root, real) };
    }
    if (dirname(root) === root) return undefined;
  }
}

function gitDirOf(git: string): string | undefined {
  if (statSync(git).isDirectory()) return realpathSync(git);
  const target = /^gitdir: (.+)/.exec(readText(git) ?? '')?.[1];
  return target === undefined ? undefined : resolve(dirname(git), target.trim());
}

/**
 * May git run in it as us? Its configuration can name programs: it must belong to us, as git itself asks for, and for
 * root nobody else may write it either.
 */
export function isOurs({ root, gitDir, commonDir }: WorkTree): boolean {
  try {
    const us = process.getuid?.() ?? 0;
    const all = [join(root, '.git'), gitDir, commonDir, join(commonDir, 'config')];
    return all.every((path) => {
      const { uid, mode } = statSync(path);
      return uid === us && (us !== 0 || (mode & 0o022) === 0);
    });
  } catch {
    return false;
  }
}

/** A work tree as a repository that is fetched from, at its HEAD. */
export function remoteOfWorkTree(place: Place, { root, path, gitDir }: WorkTree): Remote {
  const settings = { url: root, poll: 0, ...(path === '' ? {} : { path }) };
  return remoteOf(place.stateDir, settings, ownerOf(gitDir));
}

/** The repository that the configuration names. */
export function remoteOfSettings({ stateDir, git }: Place): Remote | undefined {
  if (git === undefined) return undefined;
  const path = localPath(git.url);
  return remoteOf(stateDir, git, path === undefined || !existsSync(path) ? undefined : ownerOf(path));
}

/**
 * Who git has to be to read a repository of this host, where that is not us. Root is nobody else's: one that is root's
 * and that others can write is refused, for then nobody knows whose it is.
 */
function ownerOf(path: string): Remote['owner'] | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = lstatSync(realpathSync(path));
  if (uid !== 0) return { uid, gid };
  const config = [join(path, 'config'), join(path, '.git/config')].find((file) => existsSync(file));
  const open = writableBy(realpathSync(path)) ?? (config === undefined ? undefined : writableBy(realpathSync(config)));
  if (open === undefined) return undefined;
  throw new Failure({
    code: 'unsafe-path',
    summary: `cannot read the repository ${path} as root: others can write ${open}`,
    hint: `chown root ${open} && chmod go-w ${open}, or give the whole repository to one user: then it is read as him`,
  });
}

/** The commit of HEAD, from files alone; undefined where they don't tell. */
export function headOf({ gitDir, commonDir }: WorkTree): string | undefined {
  const head = readText(join(gitDir, 'HEAD'))?.trim();
  if (head === undefined || /^[0-9a-f]{40,64}$/.test(head)) return head;
  const ref = /^ref: (refs\/.+)$/.exec(head)?.[1];
  if (ref === undefined || ref.split('/').includes('..')) return undefined;
  const loose = readText(join(commonDir, ref))?.trim() ?? readText(join(gitDir, ref))?.trim();
  if (loose !== undefined) return /^[0-9a-f]{40,64}$/.test(loose) ? loose : undefined;
  const packed = readText(join(commonDir, 'packed-refs')) ?? '';
  const line = packed.split('\n').find((one) => one.endsWith(` ${ref}`));
  return line?.split(' ')[0];
}

/**
 * What differs once git has changed files of the work tree, or was about to: it locks the index, writes the files, puts
 * the new index in place, and then moves HEAD.
 */
export function markOf(tree: WorkTree): string {
  const index = statSync(join(tree.gitDir, 'index'), { bigint: true, throwIfNoEntry: false });
  return [readText(join(tree.gitDir, 'HEAD')), headOf(tree), index?.ino, index?.mtimeNs, index?.size].join(' ');
}

/** A lock this old (ms) is one that a git has left behind. */
const STALE = 30_000;

/** A git is writing the files of the work tree. */
export function isBeingWritten({ gitDir }: WorkTree): boolean {
  const lock = statSync(join(gitDir, 'index.lock'), { throwIfNoEntry: false });
  return lock !== undefined && Date.now() - lock.mtimeMs < STALE;
}

/** The files that change with each commit, checkout, merge and reset. */
export function headsOf({ gitDir }: WorkTree): readonly string[] {
  return [join(gitDir, 'HEAD'), join(gitDir, 'logs/HEAD')];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
