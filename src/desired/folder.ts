import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { closest } from '../closest.ts';
import { serviceOfInstance } from '../instance.ts';
import { type Problem, why } from '../problem.ts';
import { isProblem, readSource, type Source } from './source.ts';

export interface Entry {
  readonly name: string;
  /** Relative to the desired-state directory. */
  readonly file: string;
  readonly kind: 'file' | 'folder';
}

const ENDING = /\.(yaml|yml|json)$/;
/** Hidden files, notes for people, and what editors leave behind (4913 is how vim tries a folder). */
const PASSED_OVER = /^\.|^README|\.md$|~$|\.sw[a-p]$|^#.*#$|^4913$/i;

/** Files and folders in a folder, sorted, symbolic links followed; problems for what is neither. Throws where there is none. */
export function entriesOf(root: string, folder: string, problems: Problem[]): Entry[] {
  const entries: Entry[] = [];
  for (const item of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (PASSED_OVER.test(item.name)) continue;
    const file = folder === '' ? item.name : `${folder}/${item.name}`;
    const kind = kindOf(item, root, file);
    if (typeof kind === 'string') entries.push({ name: item.name, file, kind });
    else problems.push({ code: 'not-a-file', summary: kind.summary, file, hint: 'put a plain file here, or nothing' });
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The entries of a folder that may be missing, or be something else, which is told where the folder above is listed. Any other
 * failure to list it is a problem, never an empty folder.
 */
export function entriesIfThere(root: string, folder: string, problems: Problem[]): Entry[] {
  try {
    return entriesOf(root, folder, problems);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      problems.push({ code: 'unreadable-folder', summary: `cannot list the folder: ${why(error)}`, file: folder });
    }
    return [];
  }
}

/** The YAML and JSON files among entries by stem; a problem for each stem that has two. Others are left in `rest`. */
export function documentsOf(
  entries: readonly Entry[],
  what: string,
  problems: Problem[],
): { byStem: Map<string, Entry>; rest: Entry[] } {
  const byStem = new Map<string, Entry>();
  const rest: Entry[] = [];
  for (const entry of entries) {
    if (entry.kind === 'folder' || !ENDING.test(entry.name)) {
      rest.push(entry);
      continue;
    }
    const stem = entry.name.replace(ENDING, '');
    const first = byStem.get(stem);
    if (first === undefined) byStem.set(stem, entry);
    else problems.push(twice(what, stem, first.file, entry.file));
  }
  return { byStem, rest };
}

/** How long a name can be: a supervisor's is part of that of the service that runs it. */
const LONGEST = { service: 63, supervisor: 63 - serviceOfInstance('').length };

/** All files of one `services/` folder, or of `supervisors/`, by name. */
export function namedIn(
  root: string,
  folder: string,
  what: keyof typeof LONGEST,
  problems: Problem[],
): Map<string, Source> {
  const { byStem, rest } = documentsOf(entriesIfThere(root, folder, problems), what, problems);
  for (const entry of rest) problems.push(unexpected(entry));
  const sources = new Map<string, Source>();
  for (const [name, entry] of byStem) {
    if (!/^[a-z0-9][a-z0-9_.-]*$/.test(name) || name.length > LONGEST[what]) {
      problems.push(badName(name, entry.file, what));
      continue;
    }
    const source = readSource(root, entry.file);
    if (isProblem(source)) problems.push(source);
    else sources.set(name, source);
  }
  return sources;
}

/** A file or folder that nothing reads, though somebody put it where things are read from. */
export function unexpected(entry: Entry): Problem {
  const { name, file } = entry;
  if (entry.kind === 'folder') {
    const hint = 'move its files up, or hide it with a leading dot';
    return { code: 'unexpected-folder', summary: 'folders are not read here', file, hint };
  }
  const dot = name.lastIndexOf('.');
  const ending = closest(name.slice(dot + 1), ['yaml', 'yml', 'json']);
  const hint =
    dot > 0 && ending !== undefined
      ? `did you mean '${name.slice(0, dot)}.${ending}'?`
      : 'only .yaml, .yml and .json files are read here: rename it, move it, or hide it with a leading dot';
  return { code: 'unexpected-file', summary: 'nothing reads this file', file, hint };
}

function twice(what: string, stem: string, first: string, second: string): Problem {
  const summary = `${what} '${stem}' has two files`;
  return { code: 'name-twice', summary, file: second, detail: `the other is ${first}`, hint: 'remove one of them' };
}

function badName(name: string, file: string, what: keyof typeof LONGEST): Problem {
  const better = name
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, LONGEST[what]);
  return {
    code: 'bad-name',
    summary: `'${name}' can't be the name of a ${what}`,
    file,
    detail: `a name has lower-case letters, digits, '_', '.' and '-', at most ${LONGEST[what]}, and starts with a letter or digit`,
    hint: better === '' ? 'rename the file' : `rename the file to ${better}${file.slice(file.lastIndexOf('.'))}`,
  };
}

function kindOf(item: Dirent, root: string, file: string): Entry['kind'] | { readonly summary: string } {
  if (item.isFile()) return 'file';
  if (item.isDirectory()) return 'folder';
  try {
    const stat = statSync(join(root, file));
    if (stat.isFile()) return 'file';
    if (stat.isDirectory()) return 'folder';
    const what = stat.isFIFO() ? 'a fifo' : stat.isSocket() ? 'a socket' : 'a device';
    return { summary: `it is ${what}, not a file` };
  } catch (error) {
    return { summary: `cannot follow the symbolic link: ${why(error)}` };
  }
}
