import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Desired } from '../model.ts';
import { bad, type Finding, ok, some, warning, word } from './finding.ts';
import { type Check, desiredIfThere, type Means } from './means.ts';

/** The oldest Node that it runs on. */
const OLDEST = [22, 22] as const;

/** This program, and the programs of the host that it needs. */
export const tool: Check = {
  topic: 'tool',
  look: async (means) => {
    const desired = await desiredIfThere(means);
    const needed = programsFor(desired, means);
    const { PATH = '' } = means.environment;
    return [...nodeFindings(process.versions.node, process.execPath), ...programFindings(needed, PATH)].concat(
      pathFindings(means),
    );
  },
};

/** Pure. */
export function nodeFindings(version: string, path: string): readonly Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  if (!old) return [ok('node', `Node ${version}`, { evidence: [path] })];
  const hint = `it needs Node ${OLDEST.join('.')} or later; \`npm ci\` in its folder installs its own`;
  return [bad('node', `Node ${version} is too old`, { evidence: [path], hint })];
}

/** A program, what for, and the package that has it on Debian. */
export interface Needed {
  readonly program: string;
  readonly what: string;
  readonly from: string;
  /** It works without, but worse. */
  readonly optional?: boolean;
}

const ALWAYS: readonly Needed[] = [
  { program: 'sh', what: 'starts services', from: 'dash' },
  { program: 'flock', what: 'locks the runtime folder', from: 'util-linux' },
  { program: 'mkfifo', what: 'hears of services that end', from: 'coreutils' },
  { program: 'getent', what: 'looks up users and groups', from: 'libc-bin' },
  { program: 'fallocate', what: 'rotates logs without losing a line', from: 'util-linux', optional: true },
];

/** What this desired state needs on this host. */
function programsFor(desired: Desired | undefined, { config, uid }: Means): readonly Needed[] {
  const services = desired?.services ?? [];
  const needed = [...ALWAYS];
  if (services.some(({ written }) => written.user !== undefined))
    needed.push({ program: 'setpriv', what: 'runs services as their `user`', from: 'util-linux' });
  if (services.some(({ written, supervisor }) => written.limits !== undefined && supervisor !== 'systemd'))
    needed.push({ program: 'prlimit', what: 'makes `limits` true', from: 'util-linux' });
  if (config.git !== undefined || config.trust !== undefined)
    needed.push({ program: 'git', what: 'fetches commits', from: 'git' });
  if (config.git !== undefined && /^(ssh:|[^/:]+@?[^/:]*:(?!\/\/))/.test(config.git.url))
    needed.push({ program: 'ssh', what: 'fetches by ssh', from: 'openssh-client' });
  if (config.trust !== undefined)
    needed.push({ program: 'ssh-keygen', what: 'checks signatures', from: 'openssh-client' });
  if (services.some(({ supervisor }) => supervisor === 'systemd')) {
    needed.push({ program: 'systemctl', what: 'shows units', from: 'systemd' });
    needed.push({ program: 'systemd-analyze', what: 'checks units before they are written', from: 'systemd' });
  }
  if (uid === 0 && isFolder('/run/systemd/system'))
    needed.push({ program: 'systemd-notify', what: 'tells systemd that the daemon is up', from: 'systemd' });
  return needed;
}

/** All in one finding where they are there: one line says as much. */
export function programFindings(needed: readonly Needed[], path: string): readonly Finding[] {
  const folders = path.split(':').filter((folder) => folder.startsWith('/'));
  const missing = needed.filter(({ program }) => !folders.some((folder) => isProgram(join(folder, program))));
  if (missing.length === 0) {
    const names = needed.map(({ program }) => program);
    return [ok('programs', `the programs that are needed are there: ${names.join(', ')}`)];
  }
  return missing.map(({ program, what, from, optional }) => {
    const evidence = [`PATH=${path}`];
    const grade = optional ? warning : bad;
    return grade('programs', `there is no program \`${program}\` (${what})`, {
      evidence,
      mend: [`apt-get install ${from}`],
    });
  });
}

/** Folders of PATH that others can write have them choose what runs here. */
function pathFindings({ environment: { PATH = '' }, uid }: Means): readonly Finding[] {
  if (uid !== 0) return [];
  const relative = PATH.split(':').filter((folder) => !folder.startsWith('/'));
  if (relative.length === 0) return [];
  return [
    warning('path', 'PATH has folders that depend on where one stands: who can write there chooses what root runs', {
      evidence: some(relative.map((folder) => (folder === '' ? "''" : folder))),
      mend: [
        `export PATH=${word(
          PATH.split(':')
            .filter((folder) => folder.startsWith('/'))
            .join(':'),
        )}`,
      ],
    }),
  ];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The version of a package by its folder; undefined where there is none. */
export function versionIn(folder: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version?: string }).version;
  } catch {
    return undefined;
  }
}
