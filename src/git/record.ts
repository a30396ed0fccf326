import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, relative } from 'node:path';
import { Failure, why } from '../problem.ts';
import { headOf, isOurs, type WorkTree, workTreeOf } from './worktree.ts';

/** What a commit is to be made of: files of a work tree, by their real paths. */
export interface ToRecord {
  readonly folder: string;
  readonly files: readonly { readonly real: string; readonly isNew: boolean }[];
}

/** A commit that a person has made by us. */
export interface Recorded {
  readonly commit: string;
  readonly branch: string;
}

/** Why not, where these files can't be committed now and alone: asked before anything is written. Returns the work tree. */
export async function checkRecordable({ folder, files }: ToRecord): Promise<WorkTree> {
  const tree = workTreeOf(folder);
  const no = (because: string, hint: string, code = 'cannot-commit') =>
    new Failure({ code, summary: `cannot commit: ${because}; nothing was written`, hint });
  if (tree === undefined) throw no(`${folder} is in no Git work tree`, `leave --commit away, or: git init ${folder}`);
  if (!isOurs(tree))
    throw no(
      `the repository ${tree.root} is not ${userName()}'s, and its settings and hooks would run as ${userName()}`,
      'run this as the user whose it is, or leave --commit away',
    );
  const outside = files.find(({ real }) => relative(realpathSync(tree.root), real).startsWith('..'));
  if (outside !== undefined)
    throw no(`${outside.real} is not in the work tree ${tree.root}`, 'leave --commit away, and commit it where it is');
  const under = UNDER_WAY.find(([name]) => existsSync(join(tree.gitDir, name)));
  if (under !== undefined) throw no(`a ${under[1]} is under way in ${tree.root}`, `finish it first: git ${under[2]}`);
  const branch = await ask(tree, ['symbolic-ref', '--quiet', 'HEAD']).catch(() => '');
  if (branch === '')
    throw no(
      `HEAD of ${tree.root} is at no branch, and the commit would be lost with the next checkout`,
      'git switch BRANCH',
    );
  const staged = await ask(tree, ['diff', '--cached', '--name-only', '-z']);
  if (staged !== '')
    throw no(`other changes are staged (${names(staged)})`, 'commit or unstage them first (git restore --staged FILE)');
  const paths = files.filter(({ isNew }) => !isNew).map(({ real }) => real);
  const dirty =
    paths.length === 0
      ? ''
      : await ask(tree, ['status', '--porcelain', '-z', '--no-renames', '--ignored', '--', ...paths]);
  if (dirty !== '')
    throw no(
      `${names(dirty.replace(/(^|\0)...?/g, '$1'))} has changes already that are not committed`,
      'commit them first, or leave --commit away',
    );
  return tree;
}

const UNDER_WAY = [
  ['MERGE_HEAD', 'merge', 'merge --continue, or --abort'],
  ['rebase-merge', 'rebase', 'rebase --continue, or --abort'],
  ['rebase-apply', 'rebase', 'rebase --continue, or --abort'],
  ['CHERRY_PICK_HEAD', 'cherry-pick', 'cherry-pick --continue, or --abort'],
  ['REVERT_HEAD', 'revert', 'revert --continue, or --abort'],
] as const;

/**
 * Commits these files and nothing else, as the user does it: with his name, hooks and signature. What git and hooks say goes
 * to our error output. Fails with what git said; what was staged for it is unstaged again.
 */
export async function record(tree: WorkTree, { files }: ToRecord, message: string): Promise<Recorded> {
  const paths = files.map(({ real }) => real);
  const fresh = files.filter(({ isNew }) => isNew).map(({ real }) => real);
  if (fresh.length > 0) await run(tree, ['add', '--intent-to-add', '--', ...fresh]);
  try {
    await run(tree, ['commit', '--quiet', '--only', '-m', message, '--', ...paths]);
  } catch (error) {
    if (fresh.length > 0)
      await run(tree, ['rm', '--cached', '--quiet', '--force', '--', ...fresh]).catch(() => undefined);
    throw error;
  }
  const branch = await ask(tree, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  return { commit: headOf(tree) ?? '', branch: branch.trim() };
}

/** Git as the user has it; but in this tree, wherever we were called from. */
function environment(): NodeJS.ProcessEnv {
  const of = Object.entries(process.env).filter(
    ([name]) => !/^GIT_(?:DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR)$/.test(name),
  );
  return Object.fromEntries(of);
}

/** What git answers. */
function ask(tree: WorkTree, args: readonly string[]): Promise<string> {
  return git(tree, args, true);
}

async function run(tree: WorkTree, args: readonly string[]): Promise<void> {
  await git(tree, args, false);
}

function git({ root }: WorkTree, args: readonly string[], listens: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    // A signature may have to be asked for: the terminal is git's meanwhile.
    const stdio = listens ? (['ignore', 'pipe', 'pipe'] as const) : (['inherit', 2, 'pipe'] as const);
    const child = spawn('git', ['-C', root, ...args], { env: environment(), stdio: [...stdio] });
    let out = '';
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (!listens) process.stderr.write(text);
    });
    child.on('error', (error) => reject(failed(why(error), '')));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(failed(signal === null ? `git ended with exit code ${code}` : `git was ended by ${signal}`, said));
    });
  });
}

function failed(because: string, said: string): Failure {
  const line = said.split('\n').find((one) => /^(?:fatal|error): /.test(one)) ?? said.trim().split('\n').at(-1) ?? '';
  const words = line.replace(/^(?:fatal|error): /, '').trim();
  const identity = /empty ident|tell me who you are|unable to auto-detect email/i.test(said);
  return new Failure({
    code: 'cannot-commit',
    summary: `cannot commit: ${identity ? 'git does not know who you are' : words === '' ? because : words}`,
    ...(identity ? { hint: 'git config --global user.name NAME, and user.email ADDRESS' } : {}),
  });
}

function names(list: string): string {
  const all = list.split('\0').filter((name) => name !== '');
  return `${all.slice(0, 3).join(', ')}${all.length > 3 ? `, and ${all.length - 3} more` : ''}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
