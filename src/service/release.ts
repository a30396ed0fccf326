import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** A release as it is to be: everything the daemon and the command line need, and nothing of the host but libc. */
export interface Release {
  /** `0.1.0-1a2b3c4d`: the version, and a digest of all that is in it. */
  readonly name: string;
  readonly files: readonly ReleaseFile[];
  readonly bytes: number;
}

export interface ReleaseFile {
  /** Below the release's folder. */
  readonly path: string;
  /** What it is a copy of. */
  readonly from: string;
  readonly executable: boolean;
}

/** What a release has of the folder that it is made from, where that is there. */
const PARTS = ['package.json', 'dist', 'schemas', 'docs', 'LICENSE', 'README.md', 'CHANGELOG.md'];
/** In dist/, but made by each copy for itself. */
const MADE = new Set(['dist/compile-cache', 'dist/none']);
/** The Node that runs it. */
const NODE = 'node/bin/node';

/** The release that `source`, the folder of a built package, and this Node make. */
export function releaseOf(source: string, node: string): Release {
  const files = [
    ...PARTS.flatMap((part) => filesBelow(source, part)).map((path) => fileOf(path, join(source, path))),
    fileOf(NODE, node),
  ];
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { readonly version: string };
  const bytes = files.reduce((sum, { from }) => sum + statSync(from).size, 0);
  return { name: `${version}-${digestOf(files)}`, files, bytes };
}

/** Is this folder that release, whole and unchanged? */
export function isRelease(folder: string, release: Release): boolean {
  try {
    const files = PARTS.flatMap((part) => filesBelow(folder, part)).concat(NODE);
    return release.name.endsWith(`-${digestOf(files.map((path) => fileOf(path, join(folder, path))))}`);
  } catch {
    return false;
  }
}

/**
 * Copies it whole, or not at all: `folder` is there only once all of it is on the disk and `tryOut` of the copy has not
 * thrown. What was there is replaced.
 */
export async function copyRelease(
  release: Release,
  folder: string,
  tryOut: (folder: string) => Promise<void>,
): Promise<void> {
  const next = `${folder}.new`;
  const old = `${folder}.old`;
  rmSync(next, { recursive: true, force: true });
  for (const { path, from, executable } of release.files) {
    const to = join(next, path);
    mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
    chmodSync(to, executable ? 0o755 : 0o644);
    sync(to);
  }
  try {
    await tryOut(next);
  } catch (error) {
    rmSync(next, { recursive: true, force: true });
    throw error;
  }
  // What the daemon runs has all of its code in memory: it misses nothing.
  if (existsSync(folder)) {
    rmSync(old, { recursive: true, force: true });
    renameSync(folder, old);
  }
  renameSync(next, folder);
  sync(dirname(folder));
  rmSync(old, { recursive: true, force: true });
}

export function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function fileOf(path: string, from: string): ReleaseFile {
  return { path, from, executable: (statSync(from).mode & 0o100) !== 0 };
}

function filesBelow(root: string, path: string): string[] {
  const stat = statSync(join(root, path), { throwIfNoEntry: false });
  if (stat === undefined || MADE.has(path)) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesBelow(root, `${path}/${name}`));
}

/** Of what was read already, by what tells that it is the same: a Node has a hundred megabytes. */
const contents = new Map<string, Buffer>();

function contentOf(path: string): Buffer {
  const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path);
  const key = [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  const content = contents.get(key) ?? createHash('sha256').update(readFileSync(path)).digest();
  contents.set(key, content);
  return content;
}

function digestOf(files: readonly ReleaseFile[]): string {
  const hash = createHash('sha256');
  for (const { path, from, executable } of files) {
    hash.update(`${path}\0${executable ? 'x' : '-'}\0`);
    hash.update(contentOf(from));
  }
  return hash.digest('hex').slice(0, 8);
}
