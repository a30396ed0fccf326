import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { SshKey } from './keys.ts';

/** What a path holds: a text, a program, or another repository at a commit. */
export type Entry = string | { readonly program: string } | { readonly link: string } | { readonly submodule: string };
export type Files = Readonly<Record<string, Entry>>;

export interface CommitOptions {
  readonly parents?: readonly string[];
  readonly message?: string;
  readonly signedBy?: SshKey;
  /** Something of the signed text is changed after it was signed. */
  readonly tampered?: boolean;
}

/**
 * A bare repository whose objects are written here, without a program for each: a commit costs well below a ms. Authors
 * and dates are fixed by the order of commits, so that the same calls make the same commits.
 */
export interface Repository {
  readonly folder: string;
  commit(files: Files, options?: CommitOptions): string;
  /** What a commit made here holds. */
  files(commit: string): Files;
  /** Of this very tree, which git knows already. */
  commitTree(tree: string, options?: CommitOptions): string;
  /** Two branches in one: of what they both changed, the second wins. */
  merge(ours: string, theirs: string, options?: CommitOptions): string;
  /** `head` without what `commit` changed. */
  revert(head: string, commit: string, options?: CommitOptions): string;
  /** Points a branch to a commit, wherever it was: a push, forced or not. */
  push(commit: string, branch?: string): void;
  tag(name: string, commit: string): void;
  deleteBranch(branch?: string): void;
  /** A commit of very many files, by fast-import; the fewer contents they have, the faster. */
  huge(files: Iterable<readonly [string, string]>, parent?: string): string;
  git(...args: readonly string[]): string;
}

export interface RepositoryOptions {
  /** Whether clients may ask for commits without blobs. */
  readonly filter?: boolean;
}

const BRANCH = 'main';
const EPOCH = 1_750_000_000;

export function createRepository(folder: string, { filter = true }: RepositoryOptions = {}): Repository {
  const run = (args: readonly string[], input?: string) =>
    execFileSync('git', args, {
      encoding: 'utf8',
      env: environment(),
      maxBuffer: 1 << 28,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input === undefined ? {} : { input }),
    }).trim();
  // What `git init --bare` makes, without its programs.
  for (const part of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'hooks'])
    mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'HEAD'), `ref: refs/heads/${BRANCH}\n`);
  writeFileSync(join(folder, 'config'), configText(filter));
  const git = (...args: readonly string[]) => run(['-C', folder, ...args]);

  const made = new Map<string, { readonly files: Files; readonly parents: readonly string[] }>();
  const written = new Set<string>();
  let commits = 0;
  const object = (type: string, content: Buffer): string => {
    const whole = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
    const id = createHash('sha1').update(whole).digest('hex');
    if (written.has(id)) return id;
    written.add(id);
    const file = join(folder, 'objects', id.slice(0, 2), id.slice(2));
    mkdirSync(dirname(file), { recursive: true });
    if (!existsSync(file)) writeFileSync(file, deflateSync(whole, { level: 1 }), { mode: 0o444 });
    return id;
  };
  const tree = (files: Files): string => {
    const here = new Map<string, readonly [mode: string, id: string]>();
    const below = new Map<string, Record<string, Entry>>();
    for (const [path, entry] of Object.entries(files)) {
      const [head = '', ...rest] = path.split('/');
      if (rest.length === 0) here.set(head, leaf(entry));
      else {
        const folder = below.get(head) ?? {};
        folder[rest.join('/')] = entry;
        below.set(head, folder);
      }
    }
    for (const [name, files] of below) here.set(name, ['40000', tree(files)]);
    // Git sorts a folder as if its name ended with a slash, by bytes.
    const sorted = [...here].sort(([a, [x]], [b, [y]]) =>
      Buffer.compare(Buffer.from(x === '40000' ? `${a}/` : a), Buffer.from(y === '40000' ? `${b}/` : b)),
    );
    return object(
      'tree',
      Buffer.concat(sorted.flatMap(([name, [mode, id]]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])),
    );
  };
  const leaf = (entry: Entry): readonly [mode: string, id: string] => {
    if (typeof entry === 'string') return ['100644', object('blob', Buffer.from(entry))];
    if ('program' in entry) return ['100755', object('blob', Buffer.from(entry.program))];
    if ('link' in entry) return ['120000', object('blob', Buffer.from(entry.link))];
    return ['160000', entry.submodule];
  };
  const writeRef = (name: string, commit: string) => {
    const file = join(folder, 'refs', name);
    mkdirSync(dirname(file), { recursive: true });
    // As git does it: a reader sees the one or the other.
    writeFileSync(`${file}.lock`, `${commit}\n`);
    renameSync(`${file}.lock`, file);
  };
  const parentOf = (commit: string) => self.files(made.get(commit)?.parents[0] ?? '');

  const self: Repository = {
    folder,
    git,
    files: (commit) => made.get(commit)?.files ?? {},
    commit: (files, options = {}) => {
      const id = self.commitTree(tree(files), options);
      made.set(id, { files, parents: options.parents ?? [] });
      return id;
    },
    commitTree: (id, { parents = [], message, signedBy, tampered = false }: CommitOptions = {}) => {
      commits += 1;
      const who = `Dana Ops <dana@example.org> ${EPOCH + commits * 60} +0000`;
      const head = [`tree ${id}`, ...parents.map((parent) => `parent ${parent}`), `author ${who}`, `committer ${who}`];
      const body = `${message ?? `change ${commits}`}\n`;
      const text = `${head.join('\n')}\n\n${body}`;
      const signature = signedBy?.sign(tampered ? text.replace('Dana', 'Dora') : text).replaceAll('\n', '\n ');
      const signed = signature === undefined ? text : `${head.join('\n')}\ngpgsig ${signature}\n\n${body}`;
      return object('commit', Buffer.from(signed));
    },
    merge: (ours, theirs, options = {}) => {
      const base = self.files(commonAncestor(ours, theirs, made) ?? '');
      return self.commit(withChanges(self.files(ours), base, self.files(theirs)), {
        message: `merge ${theirs.slice(0, 7)}`,
        ...options,
        parents: [ours, theirs],
      });
    },
    revert: (head, commit, options = {}) =>
      self.commit(withChanges(self.files(head), self.files(commit), parentOf(commit)), {
        message: `revert ${commit.slice(0, 7)}`,
        ...options,
        parents: [head],
      }),
    push: (commit, branch = BRANCH) => writeRef(`heads/${branch}`, commit),
    tag: (name, commit) => writeRef(`tags/${name}`, commit),
    deleteBranch: (branch = BRANCH) => rmSync(join(folder, 'refs/heads', branch), { force: true }),
    huge: (files, parent) => {
      const name = `refs/heads/huge-${commits}`;
      const marks = new Map<string, number>();
      const blobs: string[] = [];
      const lines: string[] = [];
      for (const [path, content] of files) {
        const mark = marks.get(content) ?? marks.size + 1;
        if (!marks.has(content)) blobs.push('blob', `mark :${mark}`, `data ${Buffer.byteLength(content)}`, content);
        marks.set(content, mark);
        lines.push(`M 100644 :${mark} ${path}`);
      }
      const from = parent === undefined ? [] : [`from ${parent}`];
      const head = [
        `commit ${name}`,
        `committer Dana Ops <dana@example.org> ${EPOCH} +0000`,
        'data 4',
        'huge',
        ...from,
      ];
      const text = `${[...blobs, ...head, ...lines].join('\n')}\n`;
      run(['-C', folder, 'fast-import', '--quiet', '--force'], text);
      const id = git('rev-parse', name);
      git('update-ref', '-d', name);
      return id;
    },
  };
  return self;
}

function configText(filter: boolean): string {
  return `[core]
	repositoryformatversion = 0
	bare = true
	fsync = none
[uploadpack]
	allowFilter = ${filter}
	allowAnySHA1InWant = ${filter}
[http]
	receivepack = true
[gc]
	auto = 0
`;
}

/** What no one's own settings can change. */
export function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Dana Ops',
    GIT_AUTHOR_EMAIL: 'dana@example.org',
    GIT_COMMITTER_NAME: 'Dana Ops',
    GIT_COMMITTER_EMAIL: 'dana@example.org',
  };
}

/** `files` with what differs between two others. */
function withChanges(files: Files, from: Files, to: Files): Files {
  const result: Record<string, Entry> = { ...files };
  for (const path of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (JSON.stringify(from[path]) === JSON.stringify(to[path])) continue;
    const entry = to[path];
    if (entry === undefined) delete result[path];
    else result[path] = entry;
  }
  return result;
}

type Made = ReadonlyMap<string, { readonly parents: readonly string[] }>;

/** A commit and all that it descends from, the nearest first. */
export function ancestors(commit: string, made: Made): ReadonlySet<string> {
  const seen = new Set([commit]);
  for (const one of seen) for (const parent of made.get(one)?.parents ?? []) seen.add(parent);
  return seen;
}

function commonAncestor(a: string, b: string, made: Made): string | undefined {
  const theirs = ancestors(b, made);
  return [...ancestors(a, made)].find((commit) => theirs.has(commit));
}
