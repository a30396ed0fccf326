import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Config } from '../config.ts';
import type { Cache } from '../desired/cache.ts';
import type { Tree } from '../desired/layer.ts';
import { type Loaded, load } from '../desired/load.ts';
import type { Desired } from '../model.ts';
import { Failure, type Problem } from '../problem.ts';
import type { Change } from './make.ts';

type Where = Pick<Config, 'desiredState' | 'host' | 'logDir'>;

/**
 * The whole desired state with these changes, none of which is written there. Fails with every problem of it where it would
 * not be valid, on this host or, where it is now, on another. `typed`: what was asked for, to be told beside.
 */
export async function tryChanges(
  { desiredState, host, logDir }: Where,
  changes: readonly Change[],
  typed: readonly string[] = [],
): Promise<Desired> {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-edit-'));
  try {
    const root = realpathSync(desiredState);
    const texts = new Map(changes.map(({ real, to }) => [real, to]));
    copyFolder(root, folder, texts, 0);
    for (const { path, from, to } of changes) if (from === undefined) put(join(folder, path), to);
    const cache = memory();
    const as = (hostname: string, directory = folder) =>
      load({ directory, root: desiredState, hostname, logDir, cache });
    const loaded = await as(host);
    if (loaded.kind === 'invalid') throw new Failure(...told(loaded, changes, typed, await as(host, root)));
    for (const other of otherHosts(root, host, changes)) {
      const there = await as(other);
      if (there.kind === 'valid' || (await as(other, root)).kind === 'invalid') continue;
      throw new Failure(...there.problems.map((problem) => withDetail(problem, `on host ${other}`)));
    }
    return loaded.desired;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Those whose files were well before, and what was typed where it is about that. */
function told(
  { problems }: Loaded & { readonly kind: 'invalid' },
  changes: readonly Change[],
  typed: readonly string[],
  before: Loaded,
): readonly Problem[] {
  const key = ({ code, summary, at, file }: Problem) => [code, summary, at?.file ?? file].join('\0');
  const old = new Set(before.kind === 'invalid' ? before.problems.map(key) : []);
  return problems.map((problem) => {
    if (old.has(key(problem)))
      return withDetail(problem, 'it was so before this edit too: nothing is written before it is mended');
    const isOurs = changes.some(({ path }) => path === (problem.at?.file ?? problem.file));
    return isOurs && typed.length > 0 ? withDetail(problem, `as it would be with: ${typed.join(' ')}`) : problem;
  });
}

function withDetail(problem: Problem, detail: string): Problem {
  return { ...problem, detail: problem.detail === undefined ? detail : `${problem.detail}\n${detail}` };
}

/** The other hosts that a change of these files is for. */
function otherHosts(root: string, host: string, changes: readonly Change[]): readonly string[] {
  if (changes.every(({ path }) => path.startsWith('hosts/'))) return [];
  try {
    const files = readdirSync(join(root, 'hosts')).filter((name) => !name.startsWith('.'));
    const names = files.flatMap((name) => /^(.+)\.(?:yaml|yml|json)$/.exec(name)?.[1] ?? []);
    return names.filter((name) => name !== host).sort();
  } catch {
    return [];
  }
}

const READ = ['services', 'labels', 'hosts', 'supervisors'];
/** labels/NAME/services/: deeper nothing is read. */
const DEEPEST = 3;

/** The same folder, with links in place of what is as it is; several names can lead to one file that is changed. */
function copyFolder(from: string, to: string, texts: ReadonlyMap<string, string>, depth: number): void {
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    const copy = join(to, name);
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    if (isFolder && (depth > 0 ? depth < DEEPEST : READ.includes(name))) {
      mkdirSync(copy);
      copyFolder(path, copy, texts, depth + 1);
      continue;
    }
    const text = isFolder ? undefined : texts.get(realOf(path));
    if (text === undefined) symlinkSync(path, copy);
    else put(copy, text);
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It leads nowhere, which is told where it is loaded.
    return path;
  }
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function memory(): Cache {
  const values = new Map<string, Tree>();
  return {
    get: (key) => values.get(key),
    keep: (used) => {
      for (const [key, value] of used) values.set(key, value);
    },
    save: () => undefined,
  };
}
