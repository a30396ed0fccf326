import { basename, dirname } from 'node:path';
import { type Config, type Plain, readConfigFile, VARIABLES, type Written } from './config.ts';
import { locate } from './desired/position.ts';
import { isProblem, readSource, type Source } from './desired/source.ts';
import { loadYaml } from './desired/yaml.ts';
import type { Said, Sayer } from './said.ts';
import { maskText } from './secrets.ts';
import { formatDuration } from './units.ts';

type Flags = Written & { readonly config?: string | undefined };
type Row = readonly [field: string, value: string | undefined, otherwise: string];

/** The tool's own settings as they are in effect, and who says each: a flag, a variable, the file, or nobody. */
export async function saidSettings(flags: Flags, config: Config): Promise<readonly Said[]> {
  const { path, settings } = await readConfigFile(flags);
  const source = path === undefined ? undefined : await read(path);
  const { git, trust, readGroup, watch } = config;
  const inFile = (field: string): Sayer | undefined => {
    const steps = field.split('.');
    const value = steps.reduce<unknown>((map, step) => (map as Record<string, unknown> | undefined)?.[step], settings);
    if (value === undefined || source === undefined) return undefined;
    const { line, column } = locate(source, steps, 'key').position;
    return { kind: 'file', file: path ?? '', line, column };
  };
  const plain = (key: Plain): Said => {
    const from = flagOf(flags, key) ??
      inFile(key) ?? { kind: 'default', why: whyDefault(key, flags, config, inFile('runtimeDir') !== undefined) };
    const isOfGit = key === 'desiredState' && git !== undefined;
    return { field: key, value: config[key], from: (isOfGit ? inFile('git') : undefined) ?? from };
  };
  const rows: readonly Row[] = [
    ...(git === undefined
      ? [['git', undefined, 'a directory of this host'] satisfies Row]
      : ([
          ['git.url', git.url, ''],
          ['git.ref', git.ref, "the remote's HEAD"],
          ['git.path', git.path, 'the top of the repository'],
          ['git.poll', formatDuration(git.poll), ''],
          ['git.sshKey', git.sshKey, "ssh's own"],
          ['git.knownHosts', git.knownHosts, "ssh's own"],
          ['git.tokenFile', git.tokenFile, 'none'],
          ['git.credentialHelper', git.credentialHelper, 'none'],
        ] satisfies Row[])),
    ['trust.signedBy', trust?.signedBy, 'any commit is taken'],
    ['readGroup', readGroup, 'nobody else may ask'],
    ['watch.poll', watch?.poll === undefined ? undefined : formatDuration(watch.poll), 'the file system tells'],
  ];
  return [
    { field: 'config', value: path ?? null, from: whoseFile(flags, path) },
    ...(Object.keys(VARIABLES) as Plain[]).map(plain),
    ...rows.map(([field, value, otherwise]): Said => {
      const byDefault: Sayer = otherwise === '' ? { kind: 'default' } : { kind: 'default', why: otherwise };
      return { field, value: value === undefined ? null : maskText(value), from: inFile(field) ?? byDefault };
    }),
  ];
}

async function read(path: string): Promise<Source | undefined> {
  await loadYaml();
  const source = readSource(dirname(path), basename(path));
  return isProblem(source) ? undefined : source;
}

function flagOf(flags: Flags, key: Plain): Sayer | undefined {
  if (flags[key] !== undefined)
    return { kind: 'flag', name: `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` };
  return process.env[VARIABLES[key]] ? { kind: 'variable', name: VARIABLES[key] } : undefined;
}

function whoseFile(flags: Flags, path: string | undefined): Sayer {
  if (flags.config !== undefined) return { kind: 'flag', name: '--config' };
  if (path === undefined) return { kind: 'default', why: 'there is none here' };
  return { kind: 'default', why: dirname(path) === process.cwd() ? 'found in the current folder' : "the host's" };
}

function whyDefault(key: Plain, flags: Flags, { runtimeDir }: Config, isRuntimeInFile: boolean): string {
  if (key === 'desiredState') return 'in the current folder';
  if (key === 'host') return 'the hostname';
  const isOwn = isRuntimeInFile || flagOf(flags, 'runtimeDir') !== undefined;
  if (key !== 'runtimeDir' && isOwn) return 'below runtimeDir';
  if (process.getuid?.() === 0) return 'as root';
  if (key !== 'runtimeDir') return 'of this user';
  return /\/run-[0-9a-f-]+$/.test(runtimeDir)
    ? 'of this user and boot, who does not linger'
    : 'of this user, who lingers';
}
