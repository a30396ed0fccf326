import { accessSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { closest } from './closest.ts';
import { settingsOf, treeOf } from './git/settings.ts';
import { Failure, type Problem, why } from './problem.ts';
import type { Settings, WrittenFile } from './settings.ts';

/** The tool's own settings, all paths absolute. */
export interface Config extends Settings {
  readonly desiredState: string;
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly logDir: string;
  readonly host: string;
}

/** The settings that are one text each, and that a flag or a variable can set. */
export type Plain = 'desiredState' | 'runtimeDir' | 'stateDir' | 'logDir' | 'host';

/** Settings as written: in `reconcile.config.*`, in `RECONCILE_*`, as flags; the later wins. */
export type Written = { readonly [K in Plain]?: string | undefined };

export const VARIABLES: Readonly<Record<Plain, string>> = {
  desiredState: 'RECONCILE_DESIRED_STATE',
  runtimeDir: 'RECONCILE_RUNTIME_DIR',
  stateDir: 'RECONCILE_STATE_DIR',
  logDir: 'RECONCILE_LOG_DIR',
  host: 'RECONCILE_HOST',
};
const FILES = ['yaml', 'yml', 'json'].map((ending) => `reconcile.config.${ending}`);
/** Of the host: for root, wherever he stands, where nothing there says otherwise. */
const SYSTEM_FILE = '/etc/reconciled/reconcile.config.yaml';
/** Configuration that is a program would run whatever lies in the folder one happens to stand in. */
const PROGRAMS = ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts'].map((ending) => `reconcile.config.${ending}`);

/** The effective settings: flags over environment over file over defaults. Fails with all problems of the file. */
export async function readConfig(flags: Written & { readonly config?: string | undefined }): Promise<Config> {
  const file = await readConfigFile(flags);
  const pick = (key: Plain): { readonly value: string; readonly base: string } | undefined => {
    const flag = flags[key];
    if (flag !== undefined) return { value: flag, base: process.cwd() };
    const variable = process.env[VARIABLES[key]];
    if (variable !== undefined && variable !== '') return { value: variable, base: process.cwd() };
    const written = file.settings[key];
    return written === undefined ? undefined : { value: written, base: file.folder };
  };
  const path = (key: Plain): string | undefined => {
    const found = pick(key);
    return found === undefined ? undefined : resolve(found.base, found.value);
  };
  const runtimeDir = path('runtimeDir');
  const defaults = runtimeDir === undefined ? systemFolders() : foldersBelow(runtimeDir);
  const settings = settingsOf(file.settings, file.folder);
  const stateDir = path('stateDir') ?? defaults.stateDir;
  const desiredState = path('desiredState');
  if (settings.git !== undefined && desiredState !== undefined) throw new Failure(twoSources(desiredState));
  return {
    ...settings,
    desiredState:
      settings.git === undefined ? real(desiredState ?? resolve('desired-state')) : treeOf(stateDir, settings.git),
    runtimeDir: defaults.runtimeDir,
    stateDir,
    logDir: path('logDir') ?? defaults.logDir,
    host: pick('host')?.value ?? hostname(),
  };
}

/**
 * The flags by which a daemon that starts elsewhere has the settings that are effective here: the file, and what flags and
 * variables say besides.
 */
export async function asArguments(flags: Written & { readonly config?: string | undefined }): Promise<string[]> {
  const { path, settings } = await readConfigFile(flags);
  const given = (Object.keys(VARIABLES) as Plain[]).flatMap((key) => {
    const value = flags[key] ?? (process.env[VARIABLES[key]] || undefined);
    return value === undefined ? [] : [[key, key === 'host' ? value : resolve(value)] as const];
  });
  // Only the default depends on where one stands.
  const nowhere = settings.git === undefined && settings.desiredState === undefined;
  if (nowhere && !given.some(([key]) => key === 'desiredState'))
    given.unshift(['desiredState', resolve('desired-state')]);
  return [
    ...(path === undefined ? [] : ['--config', path]),
    ...given.flatMap(([key, value]) => [`--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, value]),
  ];
}

function twoSources(desiredState: string): Problem {
  return {
    code: 'two-sources',
    summary: `cannot take the desired state from \`git\` and from ${desiredState} at once`,
    hint: 'keep one: `git` in the configuration, or desiredState (--desired-state, RECONCILE_DESIRED_STATE)',
  };
}

/**
 * The real path, so that one directory has one name; but a link that is the directory keeps its name, for it may lead to another
 * one later. Where there is none yet, the path as it is.
 */
function real(path: string): string {
  try {
    const isLink = lstatSync(path).isSymbolicLink();
    return isLink ? join(realpathSync(dirname(path)), basename(path)) : realpathSync(path);
  } catch {
    return path;
  }
}

/** Variables that look like ours and are none: a setting must never be ignored without a word. */
export function unknownVariables(environment: NodeJS.ProcessEnv): Problem[] {
  const known = Object.values(VARIABLES);
  // The project is called so, its command is not; what services have from us begins so as well.
  const mistaken = known.map((name) => name.replace('RECONCILE_', 'RECONCILED_'));
  return Object.keys(environment)
    .filter((name) => (name.startsWith('RECONCILE_') && !known.includes(name)) || mistaken.includes(name))
    .map((name) => {
      const near = closest(name, known);
      return {
        code: 'unknown-variable',
        summary: `environment variable ${name} is not one of ours and has no effect`,
        hint: near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`,
      };
    });
}

/** Makes a folder of ours (0700), and as root refuses one that others can write. */
export function ensureFolder(path: string, mode = 0o700): void {
  try {
    mkdirSync(path, { recursive: true, mode });
    const stat = lstatSync(realpathSync(path));
    if (process.getuid?.() === 0 && (stat.uid !== 0 || (stat.mode & 0o022) !== 0)) {
      throw new Failure({
        code: 'unsafe-folder',
        summary: `cannot use ${path}: others than root can write it`,
        hint: `chown root ${path} && chmod go-w ${path}`,
      });
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    const hint = 'choose another with --runtime-dir DIR, --state-dir DIR or --log-dir DIR';
    throw new Failure({ code: 'no-folder', summary: `cannot make ${path}: ${why(error)}`, hint });
  }
}

export interface ReadFile {
  readonly path?: string;
  readonly settings: WrittenFile;
  readonly folder: string;
}

export async function readConfigFile(flags: Written & { readonly config?: string | undefined }): Promise<ReadFile> {
  const given = flags.config;
  const program = PROGRAMS.find((name) => existsSync(name));
  if (given === undefined && program !== undefined) {
    throw new Failure({
      code: 'config-program',
      summary: `cannot use ${program}: a configuration that is a program would run with your rights`,
      hint: 'write it as reconcile.config.yaml',
    });
  }
  const name = given ?? FILES.find((name) => existsSync(name)) ?? systemFile(flags);
  if (name === undefined) return { settings: {}, folder: process.cwd() };
  const path = resolve(name);
  return { path, settings: readPlain(path) ?? (await readWhole(path)), folder: dirname(path) };
}

function systemFile(flags: Written): string | undefined {
  const said = flags.desiredState ?? process.env[VARIABLES.desiredState];
  if (process.getuid?.() !== 0 || said || existsSync('desired-state') || !existsSync(SYSTEM_FILE)) return undefined;
  return SYSTEM_FILE;
}

function readPlain(path: string): Written | undefined {
  try {
    return /\.ya?ml$/.test(path) ? plainSettings(readFileSync(path, 'utf8')) : undefined;
  } catch {
    return undefined;
  }
}

/** The libraries for it take longer than a whole command: only for what is more than a few plain lines. */
async function readWhole(path: string): Promise<WrittenFile> {
  const { readToolConfig } = await import('./config-file.ts');
  return readToolConfig(path);
}

/** A text that YAML can take for nothing else: no number, no truth value, nothing quoted. */
const PLAIN = /^(?!(?:null|true|false|y|n|yes|no|on|off)$|\.(?:inf$|nan$|[0-9]))[a-z./_][a-z0-9./_-]*$/i;

/** The settings in a file of comments and lines `key: text`, as nearly all are; undefined where there is anything else. */
export function plainSettings(file: string): Written | undefined {
  const settings: Record<string, string> = {};
  for (const line of file.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [key = '', value = '', ...more] = line.split(': ');
    if (more.length > 0 || !Object.hasOwn(VARIABLES, key) || Object.hasOwn(settings, key)) return undefined;
    if (!PLAIN.test(value)) return undefined;
    settings[key] = value;
  }
  return settings;
}

/** With a runtime folder of one's own, all that is ours is below it. */
function foldersBelow(runtimeDir: string): Pick<Config, 'runtimeDir' | 'stateDir' | 'logDir'> {
  return { runtimeDir, stateDir: join(runtimeDir, 'state'), logDir: join(runtimeDir, 'logs') };
}

function systemFolders(): Pick<Config, 'runtimeDir' | 'stateDir' | 'logDir'> {
  if (process.getuid?.() === 0) {
    return { runtimeDir: '/run/reconciled', stateDir: '/var/lib/reconciled', logDir: '/var/log/reconciled' };
  }
  const stateDir = join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'reconciled');
  return { runtimeDir: userRuntime(stateDir), stateDir, logDir: join(stateDir, 'logs') };
}

/**
 * $XDG_RUNTIME_DIR vanishes at logout while services live, unless the user lingers (loginctl enable-linger): then the
 * state folder is used, with the boot id, so that what it says never outlives a boot.
 */
function userRuntime(stateDir: string): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && runtime !== '' && lingers()) return join(runtime, 'reconciled');
  return join(stateDir, `run-${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`);
}

function lingers(): boolean {
  try {
    accessSync(`/var/lib/systemd/linger/${userInfo().username}`);
    return true;
  } catch {
    return false;
  }
}
