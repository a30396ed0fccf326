import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeAtomic } from '../host/files.ts';
import type { Objects } from './objects.ts';
import { type Remote, treesOf } from './remote.ts';
import { isSameFolder } from './same.ts';
import { LIMITS, leadsOut, refused, type Tree, type TreeFile } from './tree.ts';

/** Fetches what a mirror does not hold yet. */
export type FetchMissing = (ids: readonly string[]) => Promise<void>;

/** How many trees are kept besides those that are needed. */
const SPARE = 4;

/** The folder of a commit's tree. */
export function treeFolder(remote: Pick<Remote, 'folder'>, commit: string): string {
  return join(treesOf(remote), commit);
}

/**
 * Is the tree of a commit there, whole? One that was written before this boot may have lost what was never synced in a
 * power cut: it is written anew.
 */
export function isExported(remote: Pick<Remote, 'folder'>, commit: string): boolean {
  try {
    return (
      readFileSync(`${treeFolder(remote, commit)}.whole`, 'utf8') === bootId() && existsSync(treeFolder(remote, commit))
    );
  } catch {
    return false;
  }
}

/**
 * Writes the files of a commit's folder: aside, and put in place whole by one rename, unless `approve` fails meanwhile.
 * Nothing in it leads out of it.
 */
export async function exportTree(
  remote: Pick<Remote, 'folder'>,
  objects: Objects,
  commit: string,
  tree: Tree,
  fetchMissing: FetchMissing,
  approve: Promise<void>,
): Promise<string> {
  const target = treeFolder(remote, commit);
  // Two of us may be at it at once, in one process even: each has its own until it is put in place.
  exports += 1;
  const aside = `${target}.${process.pid}-${exports}.tmp`;
  mkdirSync(aside, { recursive: true, mode: 0o755 });
  try {
    for (const folder of tree.folders) mkdirSync(join(aside, folder), { recursive: true, mode: 0o755 });
    const writer = { commit, aside, left: LIMITS.all };
    const missing = await writeAll(objects, tree.files, writer);
    if (missing.length > 0) {
      await fetchMissing([...new Set(missing.map(({ id }) => id))]);
      // What was not there a moment ago is looked for anew.
      const [still] = await writeAll(objects, missing, writer);
      if (still !== undefined)
        throw refused(
          commit,
          'git-missing-file',
          `the content of ${still.path} could not be fetched`,
          'it is tried again by itself',
        );
    }
    await approve;
    if (!isExported(remote, commit)) put(aside, target);
    rmSync(aside, { recursive: true, force: true });
    return target;
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    throw error;
  }
}

let exports = 0;

/** One that is there from before this boot stays where it is the same: services may run in it. */
function put(aside: string, target: string): void {
  if (!isSameFolder(aside, target)) {
    const old = `${aside.slice(0, -'.tmp'.length)}.old`;
    if (existsSync(target)) renameSync(target, old);
    renameSync(aside, target);
    rmSync(old, { recursive: true, force: true });
  }
  writeAtomic(`${target}.whole`, bootId());
}

/** Writes what is there, and gives what is not. */
async function writeAll(
  objects: Objects,
  files: readonly TreeFile[],
  writer: { readonly commit: string; readonly aside: string; left: number },
): Promise<TreeFile[]> {
  const missing: TreeFile[] = [];
  let i = 0;
  for await (const found of objects.read(
    files.map(({ id }) => id),
    LIMITS.file,
  )) {
    const file = files[i] as TreeFile;
    i += 1;
    if (found.kind === 'missing') missing.push(file);
    else if (found.kind === 'too-large')
      throw refused(
        writer.commit,
        'file-too-large',
        `${file.path} is larger than 1 MiB`,
        'keep such files elsewhere: a desired state is a few lines a file',
      );
    else writeOne(file, found.content, writer);
  }
  return missing;
}

function writeOne(
  { path, kind }: TreeFile,
  content: Buffer,
  writer: { readonly commit: string; readonly aside: string; left: number },
): void {
  const { commit, aside } = writer;
  writer.left -= content.length;
  if (writer.left < 0) throw refused(commit, 'too-much', `its files have more than ${LIMITS.all >> 20} MiB`);
  if (kind === 'link') {
    const target = content.toString('utf8');
    if (leadsOut(path, target))
      throw refused(
        commit,
        'git-link',
        `the symbolic link ${path} leads out of it`,
        'put the file itself there, or a relative link within the folder',
      );
    symlinkSync(target, join(aside, path));
    return;
  }
  if (content.length < 1024 && content.toString('latin1').startsWith('version https://git-lfs.github.com/spec/'))
    throw refused(
      commit,
      'git-lfs',
      `${path} is a pointer of Git LFS`,
      'keep it in the repository itself: what LFS stores elsewhere is not fetched',
    );
  writeFileSync(join(aside, path), content, { mode: kind === 'program' ? 0o755 : 0o644, flag: 'wx' });
}

/** The commit whose tree the stable path leads to; undefined where it leads nowhere yet. */
export function treeInForce(remote: Pick<Remote, 'folder'>): string | undefined {
  try {
    return /^trees\/([0-9a-f]{40,64})$/.exec(readlinkSync(join(remote.folder, 'tree')))?.[1];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Points the stable path to the tree of a commit: whoever reads it sees the one or the other. False where it does already. */
export function putTreeInForce(remote: Pick<Remote, 'folder'>, commit: string): boolean {
  if (treeInForce(remote) === commit) return false;
  const aside = join(remote.folder, `tree.${process.pid}.tmp`);
  rmSync(aside, { force: true });
  symlinkSync(join('trees', commit), aside);
  renameSync(aside, join(remote.folder, 'tree'));
  return true;
}

/** Removes the trees that nobody needs: neither we, by `keep`, nor a process that runs in one. What fails waits for the next time. */
export function pruneTrees(remote: Pick<Remote, 'folder'>, keep: ReadonlySet<string>): void {
  try {
    prune(remote, keep);
  } catch {
    // Too many are no harm.
  }
}

function prune(remote: Pick<Remote, 'folder'>, keep: ReadonlySet<string>): void {
  const all = readdirSync(treesOf(remote), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of all)
    if (/\.(tmp|old)$/.test(name) && !isAlive(name))
      rmSync(join(treesOf(remote), name), { recursive: true, force: true });
  const spare = all
    .filter(({ name }) => /^[0-9a-f]+$/.test(name) && !keep.has(name))
    .map(({ name }) => ({ name, made: statSync(join(treesOf(remote), name)).ctimeMs }))
    .sort((a, b) => b.made - a.made)
    .slice(SPARE);
  if (spare.length === 0) return;
  const used = foldersInUse();
  for (const { name } of spare) {
    const path = join(treesOf(remote), name);
    if ([...used].some((folder) => folder === path || folder.startsWith(`${path}/`))) continue;
    rmSync(`${path}.whole`, { force: true });
    rmSync(path, { recursive: true, force: true });
  }
}

/** Of `COMMIT.PID-N.tmp`. */
function isAlive(name: string): boolean {
  const pid = /\.(\d+)-\d+\.\w+$/.exec(name)?.[1];
  return pid !== undefined && (Number(pid) === process.pid || existsSync(`/proc/${pid}`));
}

/** The folders that processes run in. */
function foldersInUse(): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      folders.add(readlinkSync(`/proc/${name}/cwd`));
    } catch {
      // It is gone, or another user's, and runs in nothing of ours.
    }
  }
  return folders;
}

let boot: string | undefined;
function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}

/** Makes the folder that trees are in. */
export function ensureTrees(remote: Pick<Remote, 'folder'>): void {
  mkdirSync(treesOf(remote), { recursive: true, mode: 0o755 });
}
