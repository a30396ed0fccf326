import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** A command to run next, and what it is for. */
export interface NextCommand {
  readonly command: string;
  readonly what: string;
}

/** What to do after `reconcile init`, in order: each works as it is printed. */
export function nextCommands(folder: string, cwd: string, environment: NodeJS.ProcessEnv): readonly NextCommand[] {
  const reconcile = commandWord(environment);
  return [
    ...(folder === cwd ? [] : [{ command: `cd ${word(folder)}`, what: '' }]),
    { command: `${reconcile} validate`, what: 'is it valid?' },
    { command: `${reconcile} --dry-run`, what: 'what would be done? (exit code 2: something)' },
    { command: reconcile, what: 'does it' },
    { command: `${reconcile} status`, what: 'how all is' },
    ...gitCommands(folder),
    { command: `${reconcile} daemon`, what: 'stays, applies what is saved, and keeps the services running' },
  ];
}

function gitCommands(folder: string): NextCommand[] {
  const said = git(existsSync(folder) ? folder : '/', 'rev-parse', '--is-inside-work-tree');
  // There is no git.
  if (said === undefined) return [];
  const isInside = said.startsWith('true');
  if (isInside && git(folder, 'status', '--porcelain', '--', '.') === '') return [];
  const commit = git('/', 'var', 'GIT_COMMITTER_IDENT') === '' ? `git ${WHO} commit` : 'git commit';
  const first = isInside ? [] : [{ command: 'git init --quiet', what: 'so that each change has a commit' }];
  const command = `git add --all . && ${commit} --quiet --message 'A first desired state'`;
  return [...first, { command, what: 'the first commit' }];
}

/** On a host where nobody has told git who he is. */
const WHO = `-c user.name="$(id -un)" -c user.email="$(id -un)@$(uname -n)"`;

/** What it says; '' where it fails, undefined where there is none. */
function git(cwd: string, ...args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd, encoding: 'utf8', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
  }
}

/** How this program is called from a shell: by its name where PATH leads to it, else by its path. */
export function commandWord({ PATH = '' }: NodeJS.ProcessEnv, own = ownLauncher()): string {
  if (own === undefined) return 'reconcile';
  // What npm adds to PATH it adds for its own children alone.
  const folders = PATH.split(':').filter((folder) => folder.startsWith('/') && !folder.endsWith('/node_modules/.bin'));
  const found = folders.map((folder) => join(folder, 'reconcile')).find((path) => existsSync(path));
  return found !== undefined && realpathSync(found) === own ? 'reconcile' : word(own);
}

/** The launcher beside the bundle that runs; from the sources there is none. */
function ownLauncher(): string | undefined {
  if (!import.meta.url.endsWith('.js')) return undefined;
  const path = new URL('../reconcile', import.meta.url).pathname;
  return existsSync(path) ? realpathSync(path) : undefined;
}

/** One word for a shell. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}
