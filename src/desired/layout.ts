import { statSync } from 'node:fs';
import { closest } from '../closest.ts';
import { type Problem, why } from '../problem.ts';
import { documentsOf, type Entry, entriesIfThere, entriesOf, namedIn, unexpected } from './folder.ts';
import type { Layer, Stack } from './layer.ts';
import { CHOOSE } from './safety.ts';
import { isProblem, readSource, type Source } from './source.ts';

/** The outline of a desired-state directory: what applies to any host, and what is there for one. */
export interface Layout {
  readonly policy: Stack | undefined;
  readonly host: Stack | undefined;
  /** The files of supervisors/, sorted by name. */
  readonly supervisors: readonly Stack[];
  /** Names of folders in labels/. */
  readonly labels: readonly string[];
  /** Folders besides, which nothing reads unless a service refers into them. */
  readonly strangers: readonly Entry[];
}

const FOLDERS = ['services', 'labels', 'hosts', 'supervisors'];

/** Reads the outline; undefined where there is no directory to read. */
export function readLayout(root: string, hostname: string, problems: Problem[]): Layout | undefined {
  let entries: Entry[];
  try {
    if (!statSync(root).isDirectory()) {
      problems.push({ code: 'not-a-folder', summary: `cannot read ${root}: it is not a directory`, hint: CHOOSE });
      return undefined;
    }
    entries = entriesOf(root, '', problems);
  } catch (error) {
    problems.push({ code: 'unreadable-folder', summary: `cannot read ${root}: ${why(error)}`, hint: CHOOSE });
    return undefined;
  }
  const isFolder = (name: string) => {
    const entry = entries.find((e) => e.name === name);
    if (entry?.kind === 'file')
      problems.push({ code: 'not-a-folder', summary: `${name} must be a folder`, file: name });
    return entry?.kind === 'folder';
  };
  const [, labels, hosts, supervisors] = FOLDERS.map(isFolder);
  const { byStem, rest } = documentsOf(entries, 'file', problems);
  const strangers = rest.filter(({ kind, name }) => kind === 'folder' && !FOLDERS.includes(name));
  for (const entry of rest)
    if (entry.kind === 'file' && !FOLDERS.includes(entry.name)) problems.push(unexpected(entry));
  for (const [stem, entry] of byStem) if (stem !== 'policy') problems.push(misplaced(stem, entry));
  return {
    policy: single(root, 'policy', byStem.get('policy'), problems),
    host: hosts ? readHost(root, hostname, problems) : undefined,
    supervisors: supervisors ? readSupervisors(root, problems) : [],
    labels: labels ? readLabels(root, problems) : [],
    strangers: strangers.filter((entry) => {
      const near = closest(entry.name, FOLDERS);
      if (near !== undefined) problems.push(stranger(entry, `did you mean '${near}'?`));
      return near === undefined;
    }),
  };
}

/** All service stacks of a host with these labels. */
export function readStacks(root: string, hostname: string, labels: readonly string[], problems: Problem[]): Stack[] {
  const stacks = new Map<string, [Layer, ...Layer[]]>();
  const add = (kind: Layer['kind'], sources: ReadonlyMap<string, Source>) => {
    for (const [name, source] of sources) {
      const stack = stacks.get(name);
      if (stack) stack.push({ kind, source });
      else stacks.set(name, [{ kind, source }]);
    }
  };
  add('base', namedIn(root, 'services', 'service', problems));
  for (const label of labels) add('label', namedIn(root, `labels/${label}/services`, 'service', problems));
  add('host', namedIn(root, `hosts/${hostname}/services`, 'service', problems));
  return [...stacks].map(([name, layers]) => ({ name, layers })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A folder that nothing reads and nothing refers to. */
export function stranger({ file }: Entry, hint = 'move it elsewhere, or hide it with a leading dot'): Problem {
  return { code: 'unexpected-folder', summary: 'nothing reads this folder', file, hint };
}

function readHost(root: string, hostname: string, problems: Problem[]): Stack | undefined {
  const { byStem, rest } = documentsOf(entriesIfThere(root, 'hosts', problems), 'host', problems);
  for (const entry of rest) {
    if (entry.kind === 'file') problems.push(unexpected(entry));
    else if (byStem.has(entry.name)) problems.push(...onlyServices(root, entry));
    else {
      const near = closest(entry.name, [...byStem.keys()]);
      const hint = near === undefined ? `add hosts/${entry.name}.yaml` : `did you mean '${near}'?`;
      problems.push({ code: 'unknown-host', summary: `there is no hosts/${entry.name}.yaml`, file: entry.file, hint });
    }
  }
  const entry = byStem.get(hostname);
  if (entry !== undefined) return single(root, hostname, entry, problems);
  const names = [...byStem.keys()];
  const near = closest(hostname, names);
  problems.push({
    code: 'unknown-host',
    summary: `this host is called '${hostname}', and there is no hosts/${hostname}.yaml`,
    file: 'hosts',
    detail:
      names.length === 0
        ? 'there is no host at all'
        : `there are ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`,
    hint: `${near === undefined ? 'add the file' : `did you mean '${near}'? Rename the file`}, or say which host this is with --host NAME`,
  });
  return undefined;
}

function readLabels(root: string, problems: Problem[]): string[] {
  return entriesIfThere(root, 'labels', problems).flatMap((entry) => {
    if (entry.kind === 'folder') {
      problems.push(...onlyServices(root, entry));
      return [entry.name];
    }
    const hint = 'a label is a folder: labels/LABEL/services/NAME.yaml';
    problems.push({ code: 'unexpected-file', summary: 'nothing reads this file', file: entry.file, hint });
    return [];
  });
}

/** The folder of a label or host holds a folder services/, and nothing else. */
function onlyServices(root: string, folder: Entry): Problem[] {
  const problems: Problem[] = [];
  for (const entry of entriesIfThere(root, folder.file, problems)) {
    if (entry.name === 'services' && entry.kind === 'folder') continue;
    const hint = `only ${folder.file}/services/ is read here`;
    problems.push({
      code: `unexpected-${entry.kind}`,
      summary: `nothing reads this ${entry.kind}`,
      file: entry.file,
      hint,
    });
  }
  return problems;
}

function readSupervisors(root: string, problems: Problem[]): Stack[] {
  return [...namedIn(root, 'supervisors', 'supervisor', problems)]
    .map(([name, source]): Stack => ({ name, layers: [{ kind: 'base', source }] }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function misplaced(stem: string, entry: Entry): Problem {
  const near = closest(stem, ['policy', ...FOLDERS]);
  const hint =
    near === 'policy'
      ? "did you mean 'policy.yaml'?"
      : near !== undefined
        ? `${near} is a folder with one file for each`
        : `a service belongs into services/${entry.name}`;
  return { code: 'unexpected-file', summary: 'nothing reads this file', file: entry.file, hint };
}

function single(root: string, name: string, entry: Entry | undefined, problems: Problem[]): Stack | undefined {
  if (entry === undefined) return undefined;
  const source = readSource(root, entry.file);
  if (!isProblem(source)) return { name, layers: [{ kind: 'base', source }] };
  problems.push(source);
  return undefined;
}
