import { isAbsolute, join } from 'node:path';
import type { User } from '../../host/users.ts';
import type { Fields } from '../../model.ts';
import { launcherFor, switchUser, tool } from '../shared/programs.ts';
import type { Settings } from '../shared/settings.ts';
import { backoff } from './backoff.ts';
import { environmentFiles, OF_SHELLS, shell, word } from './script.ts';

/** What the command of a program depends on besides its settings. */
export interface Wrapped {
  readonly settings: Settings;
  readonly fields: Fields;
  /** Who it is to run as; undefined where nobody said so, or where there is no such user. */
  readonly account: User | undefined;
  /** supervisord can switch users. */
  readonly privileged: boolean;
  /** Unique on the host. */
  readonly name: string;
  /** Where what waits keeps its count, where supervisord is not root and has no runtime folder. */
  readonly folder: string;
}

/** How a program is run. */
export interface Command {
  readonly argv: readonly string[];
  /** The user is for supervisord to switch to. */
  readonly switches: boolean;
  /** What it is not to have from environment=. */
  readonly apart: ReadonlySet<string>;
}

/**
 * The command behind what does what supervisord has no word for: sh reads files and waits, with the rights to do so; env
 * sets what environment= can't hold (`unsayable`); prlimit limits, as only root may raise limits; then setpriv switches
 * the user. Each becomes the next, so that the pid is the program's; mostly there is none of them.
 */
export function commandOf(
  wrapped: Wrapped,
  environment: Readonly<Record<string, string>>,
  unsayable: readonly string[],
): Command {
  const { settings, fields, account, privileged } = wrapped;
  const scripts = scriptsOf(wrapped);
  const sh = scripts.length === 0 ? [] : shell(scripts);
  const special = sh.length === 0 ? [] : Object.keys(environment).filter((key) => OF_SHELLS.has(key));
  const set = (keys: readonly string[]) =>
    keys.length === 0 ? [] : [tool('env'), '--', ...keys.map((key) => `${key}=${environment[key]}`)];
  // What files hold counts more than what is declared, and a shell keeps its own variables to itself.
  const outer = set(unsayable.filter((key) => !special.includes(key)));
  const late = set(special);
  const switches = account !== undefined && settings.group === undefined && sh.length === 0;
  const limits = limitsOf(settings);
  const inner = [
    ...(limits.length > 0 ? [tool('prlimit'), ...limits, '--'] : []),
    ...(privileged && settings.user !== undefined && !switches ? setpriv(settings, account) : []),
  ];
  const [written = '', ...rest] = settings.command;
  const named = !written.includes('/');
  const program = named || isAbsolute(written) ? written : join(settings.directory, written);
  const before = [...outer, ...sh, ...late, ...inner];
  // supervisord looks a name up by itself, but some versions in another PATH than its program's.
  const looked = before.length === 0 && named && 'environment.PATH' in fields;
  // env would take it for a variable, some shells for an option.
  const byShell = sh.length > 0 && late.length === 0;
  const mistaken =
    inner.length === 0 && before.length > 0 && (byShell ? program.startsWith('-') : program.includes('='));
  const launcher = looked || mistaken ? launcherFor(program) : [];
  return { argv: [...before, ...launcher, program, ...rest], switches, apart: new Set([...unsayable, ...special]) };
}

function scriptsOf({ settings, fields, name, privileged, folder }: Wrapped): (readonly string[])[] {
  const { rules, environmentFiles: files } = settings;
  const waits = rules.policy !== 'never' && Object.keys(fields).some((field) => field.startsWith('restart.backoff.'));
  const runtime = privileged ? '/run/reconciled-backoff' : `\${XDG_RUNTIME_DIR:-${word(folder)}}/reconciled-backoff`;
  return [...(waits ? [backoff(name, rules, runtime)] : []), ...(files.length > 0 ? [environmentFiles(files)] : [])];
}

function limitsOf({ limits }: Settings): string[] {
  return Object.entries(limits).map(([option, value]) => {
    return `--${option}=${value < 2 ** 63 ? BigInt(value) : 'unlimited'}`;
  });
}

function setpriv({ user, group }: Settings, account: User | undefined): readonly string[] {
  if (account !== undefined) return switchUser({ user: account, group });
  // There is no such user: to be started it has to be made first, and then counts by its name.
  return [tool('setpriv'), `--reuid=${user}`, `--regid=${group ?? user}`, '--init-groups', '--'];
}
