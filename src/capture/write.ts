import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Failure, why } from '../problem.ts';
import type { Change } from './make.ts';

/**
 * Writes all of them or none: each is written beside its place first, where nothing reads it, and none is put in its place
 * before all are there. Refused where a file is no longer what the change was made from, is being edited by another of us,
 * or is not to be written. Owner and mode stay as they are.
 */
export function writeChanges(changes: readonly Change[]): void {
  const ready: { readonly change: Change; readonly beside: string }[] = [];
  const folders: string[] = [];
  const placed: Change[] = [];
  try {
    for (const change of changes) {
      const like = likeOf(change);
      if (change.from === undefined) folders.push(...makeFolders(dirname(change.real), like));
      ready.push({ change, beside: writeBeside(change, like) });
    }
    // From here on the one that is edited meanwhile is the one that nobody can keep from it.
    for (const { change } of ready) refuseChanged(change);
    for (const { change, beside } of ready) {
      renameSync(beside, change.real);
      placed.push(change);
    }
    for (const folder of new Set(changes.map(({ real }) => dirname(real)))) syncFolder(folder);
  } catch (error) {
    for (const { beside } of ready) rmSync(beside, { force: true });
    undoChanges(placed);
    for (const folder of folders.reverse()) rmSync(folder, { recursive: true, force: true });
    throw error instanceof Failure ? error : unwritable(changes[placed.length], error);
  }
}

/** What was written is as it was before; what somebody has changed since is left to him. The ones that were left. */
export function undoChanges(changes: readonly Change[]): readonly Change[] {
  return changes.filter((change) => {
    const { real, from, to } = change;
    if (textOf(real) !== to) return true;
    if (from === undefined) rmSync(real, { force: true });
    else renameSync(writeBeside({ ...change, to: from }, likeOf(change)), real);
    return false;
  });
}

/** Fails where one of them is not to be written. */
export function checkWritable(changes: readonly Change[]): void {
  for (const change of changes) {
    likeOf(change);
    try {
      accessSync(existingOf(dirname(change.real)), constants.W_OK | constants.X_OK);
    } catch (error) {
      throw unwritable(change, error);
    }
  }
}

interface Like {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** As readable as it was, and whose it was; a new file is as its folder's. */
function likeOf({ path, real, from }: Change): Like {
  if (from === undefined) {
    const above = statOfNearest(dirname(real));
    return { mode: 0o644 & (above.mode | 0o600), uid: above.uid, gid: above.gid };
  }
  const { mode, uid, gid } = statSync(real);
  if ((mode & 0o222) === 0)
    throw new Failure({
      code: 'read-only',
      summary: `cannot write ${path}: it is read-only, for everybody`,
      hint: `chmod u+w ${real}, where that is not for a reason`,
    });
  return { mode: mode & 0o7777, uid, gid };
}

function statOfNearest(folder: string): Stats {
  return statSync(existingOf(folder));
}

function existingOf(folder: string): string {
  return statSync(folder, { throwIfNoEntry: false }) === undefined ? existingOf(dirname(folder)) : folder;
}

/** Those that were missing, the topmost first. */
function makeFolders(folder: string, { uid, gid }: Like): readonly string[] {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return [];
  const above = makeFolders(dirname(folder), { mode: 0, uid, gid });
  mkdirSync(folder, { mode: 0o755 });
  if (process.getuid?.() === 0) chownSync(folder, uid, gid);
  return [...above, folder];
}

/** A hidden file is none of a desired state; its name is the same for everybody, so that it is taken by one of us alone. */
function writeBeside(change: Change, like: Like): string {
  const beside = join(dirname(change.real), `.${basename(change.real)}.edit`);
  const fd = take(beside, change);
  try {
    writeFileSync(fd, change.to);
    fchmodSync(fd, like.mode);
    if (process.getuid?.() === 0) fchownSync(fd, like.uid, like.gid);
    fsyncSync(fd);
  } catch (error) {
    rmSync(beside, { force: true });
    throw unwritable(change, error);
  } finally {
    closeSync(fd);
  }
  return beside;
}

/** An edit takes no time at all: older (ms) is what one that was cut off has left. */
const STALE = 60_000;

function take(beside: string, change: Change): number {
  const there = statSync(beside, { throwIfNoEntry: false });
  if (there !== undefined && Date.now() - there.mtimeMs > STALE) rmSync(beside, { force: true });
  try {
    return openSync(beside, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(change, error);
  }
  throw new Failure({
    code: 'edited-meanwhile',
    summary: `cannot write ${change.path}: another edit of it is under way; nothing was written`,
    hint: `do it again, on what is there then (one that was cut off has left ${beside}; in a minute that counts no more)`,
  });
}

function refuseChanged({ path, real, from }: Change): void {
  if (textOf(real) === from) return;
  throw new Failure({
    code: 'changed-meanwhile',
    summary: `cannot write ${path}: somebody has changed it since it was read; nothing was written`,
    hint: 'do it again, on what is there now',
  });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function unwritable(change: Change | undefined, error: unknown): Failure {
  const file = change?.path ?? 'the desired state';
  return new Failure({ code: 'unwritable', summary: `cannot write ${file}: ${why(error)}; nothing was written` });
}
