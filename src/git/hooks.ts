import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { writeAtomic } from '../host/files.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { configured, hardened, passed, SETTINGS } from './environment.ts';
import { runGit } from './run.ts';

/** What became of one hook. */
export interface HookDone {
  readonly path: string;
  readonly done: 'installed' | 'there' | 'removed' | 'absent';
}

/** After these something may be new in a repository that is pushed to, and in one that is worked in. */
const BARE = ['post-receive'];
const WORK_TREE = ['post-commit', 'post-merge', 'post-checkout', 'post-rewrite'];
const MARK = '# Installed by `reconcile hook install`';

/**
 * Writes the hooks that tell a daemon to look: they write into its file `nudge`, which tells it nothing but that. A hook of
 * somebody's is never touched: refused, with the line to add. Twice is as good as once.
 */
export async function installHooks(repository: string, nudge: string): Promise<readonly HookDone[]> {
  const { folder, names } = await hooksOf(repository, `install --runtime-dir ${dirname(nudge)}`);
  const text = `#!/bin/sh\n${MARK}: tells the daemon that there may be something new.\n${lineOf(nudge)}\nexit 0\n`;
  const hooks = names.map((name) => ({ path: join(folder, name), before: readHook(join(folder, name)) }));
  const others = hooks.filter(({ before }) => before !== undefined && !isTold(before, nudge) && !before.includes(MARK));
  if (others.length > 0) throw new Failure(...others.map(({ path }) => othersHook(path, nudge)));
  return hooks.map(({ path, before }): HookDone => {
    if (before !== undefined && isTold(before, nudge)) return { path, done: 'there' };
    write(path, text);
    return { path, done: 'installed' };
  });
}

/** Removes what `installHooks` wrote, and nothing else. */
export async function removeHooks(repository: string): Promise<readonly HookDone[]> {
  const { folder, names } = await hooksOf(repository, 'remove');
  return names.map((name): HookDone => {
    const path = join(folder, name);
    if (readHook(path)?.includes(MARK) !== true) return { path, done: 'absent' };
    rmSync(path);
    return { path, done: 'removed' };
  });
}

function lineOf(nudge: string): string {
  const file = `'${nudge.replace(/'/g, `'\\''`)}'`;
  return `[ -w ${file} ] && echo >${file}`;
}

function isTold(hook: string, nudge: string): boolean {
  return hook.split('\n').includes(lineOf(nudge));
}

/** The folder of a repository's hooks, as its own configuration says: asked for only of one that is ours. */
async function hooksOf(
  repository: string,
  what: string,
): Promise<{ readonly folder: string; readonly names: readonly string[] }> {
  const path = realIfThere(repository);
  const top =
    path === undefined
      ? undefined
      : [join(path, '.git'), path].find((one) => existsSync(join(one, 'HEAD')) || isFile(one));
  if (path === undefined || top === undefined)
    throw new Failure({
      code: 'no-repository',
      summary: `cannot install hooks: ${repository} is no git repository`,
      hint: 'name a bare repository, or the top of a work tree',
    });
  const us = process.getuid?.() ?? 0;
  const { uid } = lstatSync(top);
  if (uid !== us)
    throw new Failure({
      code: 'git-owner',
      summary: `cannot install hooks: ${repository} belongs to another user (uid ${uid})`,
      hint: `run it as that user: setpriv --reuid ${uid} --clear-groups reconcile hook ${what} ${repository}`,
    });
  const environment = {
    ...passed(),
    ...hardened(),
    ...configured(SETTINGS.filter(([key]) => key !== 'core.hooksPath')),
  };
  const answer = await runGit(
    { url: path, folder: path },
    environment,
    ['rev-parse', '--is-bare-repository', '--git-path', 'hooks'],
    { silent: 10_000 },
  );
  if (answer.kind === 'failed')
    throw new Failure({ code: 'git-failed', summary: `cannot install hooks: ${answer.failure.text}` });
  const [bare = '', hooks = ''] = answer.text.split('\n');
  return { folder: resolve(path, hooks), names: bare === 'true' ? BARE : WORK_TREE };
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function realIfThere(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function readHook(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failure({ code: 'hook-unreadable', summary: `cannot read the hook ${path}: ${why(error)}` });
  }
}

function write(path: string, text: string): void {
  try {
    mkdirSync(join(path, '..'), { recursive: true });
    writeAtomic(path, text, { mode: 0o755 });
  } catch (error) {
    throw new Failure({ code: 'hook-unwritable', summary: `cannot write the hook ${path}: ${why(error)}` });
  }
}

function othersHook(path: string, nudge: string): Problem {
  return {
    code: 'hook-there',
    summary: `cannot install ${path}: there is a hook already, and it is not ours`,
    hint: `add this line to it: ${lineOf(nudge)}`,
  };
}
