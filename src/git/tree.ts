import { posix } from 'node:path';
import type { Problem } from '../problem.ts';
import { Corrupt, type Found, type Objects } from './objects.ts';
import { Refused } from './refused.ts';

/** A file or symbolic link of a commit, by its path below the folder that was asked for. */
export interface TreeFile {
  readonly path: string;
  readonly id: string;
  readonly kind: 'file' | 'program' | 'link';
}

/** The folder of a desired state in one commit: names alone, nothing of what is in the files. */
export interface Tree {
  readonly files: readonly TreeFile[];
  readonly folders: readonly string[];
}

/** A desired state is some hundred files of a few lines: what has more is refused before it is read. */
export const LIMITS = { entries: 10_000, file: 1 << 20, all: 64 << 20, depth: 32 };
/** A folder of as many entries as are allowed, each with a name as long as it can be. */
const LARGEST_TREE = LIMITS.entries * 300;

/**
 * Lists the folder `path` of a commit, within limits, one process of git for all. Fails with a problem that names what
 * can't be taken: too much of it, a submodule, a name that no file can have.
 */
export async function listTree(objects: Objects, commit: string, path: string | undefined): Promise<Tree> {
  const files: TreeFile[] = [];
  const folders: string[] = [];
  let level: { readonly path: string; readonly name: string }[] = [{ path: '', name: `${commit}:${path ?? ''}` }];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > LIMITS.depth) throw refused(commit, 'too-deep', `folders in it are more than ${LIMITS.depth} deep`);
    const below: typeof level = [];
    let i = 0;
    for await (const found of objects.read(
      level.map(({ name }) => name),
      LARGEST_TREE,
    )) {
      const here = level[i]?.path ?? '';
      i += 1;
      for (const { mode, name, id } of entriesIn(found, commit, here === '' ? path : undefined)) {
        const at = here === '' ? name : `${here}/${name}`;
        if (!isName(name)) throw refused(commit, 'git-name', `${JSON.stringify(at)} is no name for a file`);
        if (files.length + folders.length >= LIMITS.entries)
          throw refused(commit, 'too-many-files', `it has more than ${LIMITS.entries} files`);
        if (mode === '160000')
          throw refused(
            commit,
            'git-submodule',
            `${at} is a submodule`,
            'put its files into the repository itself: submodules are not fetched',
          );
        if (mode === '40000') {
          folders.push(at);
          below.push({ path: at, name: id });
        } else files.push({ path: at, id, kind: kindOf(mode) });
      }
    }
    level = below;
  }
  return { files, folders };
}

/** A problem of a commit that can't be taken. */
export function refused(commit: string, code: string, reason: string, hint?: string): Refused {
  const problem: Problem = { code, summary: `cannot take commit ${commit.slice(0, 12)}: ${reason}` };
  return new Refused(hint === undefined ? problem : { ...problem, hint });
}

/** Where a symbolic link leads out of the tree, or may: undefined where it stays in it. */
export function leadsOut(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return true;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const up = parts.findIndex((part) => part !== '..');
  const ups = up === -1 ? parts.length : up;
  // After a name `..` is not what it looks like: the name may be a link itself.
  if (parts.slice(ups).includes('..')) return true;
  const depth = posix.dirname(path) === '.' ? 0 : posix.dirname(path).split('/').length;
  return ups > depth;
}

function* entriesIn(
  found: Found,
  commit: string,
  path: string | undefined,
): Generator<{ readonly mode: string; readonly name: string; readonly id: string }> {
  switch (found.kind) {
    case 'too-large':
      throw refused(commit, 'too-many-files', `a folder in it has more than ${LIMITS.entries} files`);
    case 'missing':
      // Every tree of a commit is there: of this one it was a path that was asked for.
      if (path !== undefined) throw noFolder(commit, path);
      throw new Corrupt(`a tree of ${commit} is missing`);
    case 'blob':
    case 'commit':
    case 'tag':
      throw noFolder(commit, path ?? '');
    case 'tree':
      yield* parseTree(found.content, found.id.length / 2);
  }
}

function* parseTree(content: Buffer, idLength: number) {
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at);
    const end = content.indexOf(0, space);
    if (space === -1 || end === -1 || end + 1 + idLength > content.length) throw new Corrupt('a tree is cut off');
    const mode = content.toString('latin1', at, space);
    const name = content.toString('utf8', space + 1, end);
    at = end + 1 + idLength;
    yield { mode, name, id: content.toString('hex', end + 1, at) };
  }
}

function noFolder(commit: string, path: string): Refused {
  return refused(
    commit,
    'git-no-folder',
    `it has no folder ${path}`,
    'look at git.path: it is the folder of the desired state in the repository',
  );
}

/** Of no folder but the one it stands in; what is no UTF-8 has lost what it was. */
function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\ufffd]/.test(name) && name.toLowerCase() !== '.git';
}

function kindOf(mode: string): TreeFile['kind'] {
  if (mode === '120000') return 'link';
  return (Number.parseInt(mode, 8) & 0o111) === 0 ? 'file' : 'program';
}
