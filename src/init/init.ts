import { existsSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writableByOthers } from '../desired/safety.ts';
import { readIfThere, writeAtomic } from '../host/files.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { CHECK_TEXT, WORKFLOW_TEXT } from './ci-text.ts';
import { editorExtensions, editorSettings } from './editor-text.ts';
import { readmeText } from './readme-text.ts';
import { isOurs, ownSchemas } from './schemas.ts';
import { policyText, SERVICE_TEXT } from './service-text.ts';

/** One file of a first desired state, and what is done about it. */
export interface FirstFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly text: string;
  readonly executable: boolean;
  /** `kept`: something else is there, and stays. `renewed`: a schema of another version. */
  readonly what: 'written' | 'renewed' | 'same' | 'kept';
}

/** What `reconcile init` writes into a folder, where there is no desired state yet. Fails where it would be in the way. */
export function planInit(folder: string): readonly FirstFile[] {
  checkFolder(folder);
  const owner = ownerOf(folder);
  const files = [
    ['desired-state/policy.yaml', policyText(owner)],
    ['desired-state/services/hello.yaml', SERVICE_TEXT],
    ...ownSchemas().map(({ name, text }) => [`schemas/${name}`, text] as const),
    ['README.md', readmeText(basename(folder))],
    ['.vscode/settings.json', editorSettings()],
    ['.vscode/extensions.json', editorExtensions()],
    ['ci/check.sh', CHECK_TEXT],
    ['.github/workflows/desired-state.yaml', WORKFLOW_TEXT],
  ] as const;
  const plan = files.map(([path, text]) => fileAt(folder, path, text));
  const theirs = theirsIn(folder, plan);
  if (theirs !== undefined) throw new Failure(inTheWay(folder, theirs));
  return plan;
}

/** What `reconcile init --schemas` writes: the schemas of this version alone. */
export function planSchemas(folder: string): readonly FirstFile[] {
  checkFolder(folder);
  return ownSchemas().map(({ name, text }): FirstFile => {
    const file = fileAt(folder, `schemas/${name}`, text);
    if (file.what !== 'kept') return file;
    if (isOurs(name, readThere(join(folder, file.path)) ?? '')) return { ...file, what: 'renewed' };
    throw new Failure({
      code: 'not-ours',
      summary: `cannot renew ${join(folder, file.path)}: it is no schema of reconcile's`,
      hint: 'move it elsewhere, then run this again',
    });
  });
}

/** Writes what is to be written; each file whole, so that what was interrupted is finished by the next one. */
export function writeFirst(folder: string, files: readonly FirstFile[]): void {
  for (const { path, text, executable, what } of files) {
    if (what !== 'written' && what !== 'renewed') continue;
    const to = join(folder, path);
    try {
      mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
      writeAtomic(to, text, { mode: executable ? 0o755 : 0o644 });
    } catch (error) {
      throw new Failure({ code: 'not-written', summary: `cannot write ${to}: ${why(error)}` });
    }
  }
}

function fileAt(folder: string, path: string, text: string): FirstFile {
  const there = readThere(join(folder, path));
  const what = there === undefined ? 'written' : there === text ? 'same' : 'kept';
  return { path, text, executable: path.endsWith('.sh'), what };
}

/** What is there is not ours to replace, whatever it is. */
function readThere(path: string): string | undefined {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) return '';
    return readIfThere(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return '';
    throw new Failure({ code: 'unreadable', summary: `cannot read ${path}: ${why(error)}` });
  }
}

/** A file of the desired state that is not of ours; undefined where there is none. */
function theirsIn(folder: string, plan: readonly FirstFile[]): string | undefined {
  const top = join(folder, 'desired-state');
  if (!existsSync(top)) return undefined;
  if (!statSync(top).isDirectory()) return 'desired-state';
  const ours = new Set(plan.filter(({ what }) => what === 'same').map(({ path }) => path));
  const files = readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return files.sort().find((path) => !ours.has(path));
}

function inTheWay(folder: string, path: string): Problem {
  return {
    code: 'already-there',
    summary: `cannot make a first desired state in ${folder}: there is one already (${path})`,
    hint: 'nothing was written. `reconcile validate` tells how it is; `reconcile init --schemas` renews the schemas beside it; for a new one name another folder: reconcile init DIR',
  };
}

/** The folder, or the one it will be in, must be there to write; and for root, be nobody else's. */
function checkFolder(folder: string): void {
  const here = nearest(folder);
  if (!statSync(here).isDirectory())
    throw new Failure({ code: 'not-a-folder', summary: `cannot write to ${folder}: ${here} is not a directory` });
  // What one makes in a sticky folder (/tmp) nobody else can replace.
  const open = writableByOthers(here === folder ? here : behindSticky(here));
  if (open === undefined) return;
  const shared = (statSync(open).mode & 0o1000) !== 0;
  throw new Failure({
    code: 'unsafe-path',
    summary: `cannot make a desired state for root in ${folder}: others can write ${open}, and so say what root runs`,
    hint: shared
      ? 'make a folder for it: reconcile init DIR'
      : `run it as the user whose services these are, or choose a folder of root's; or: chown root ${open} && chmod go-w ${open}`,
  });
}

function behindSticky(path: string): string {
  return (statSync(path).mode & 0o1000) === 0 || path === '/' ? path : behindSticky(dirname(path));
}

function nearest(path: string): string {
  return existsSync(path) || path === '/' ? path : nearest(dirname(path));
}

/** The folder's name, as far as an owner can be called so. */
export function ownerOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .replace(/[^a-z0-9]+$/, '')
    .slice(0, 63);
  return name === '' ? 'default' : name;
}
