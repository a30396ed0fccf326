import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { why } from '../problem.ts';
import { homeOf } from './accounts.ts';
import type { Claim, Claims } from './claim.ts';
import { commandsIn } from './words.ts';

/** Where crontabs are. In those of the system each line names its user; those of users are named for theirs. */
export interface CronPlaces {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  readonly spools: readonly string[];
}

export const CRON_PLACES: CronPlaces = {
  files: ['/etc/crontab'],
  folders: ['/etc/cron.d'],
  spools: ['/var/spool/cron/crontabs', '/var/spool/cron'],
};

/** Left behind by editors and package managers: cron does not read these. */
const LEFT = /^\.|~$|\.(dpkg-\w+|rpm\w+|bak|orig|swp|disabled)$/;

/** Every line of every crontab. */
export function claimsOfCron(places: CronPlaces = CRON_PLACES): Claims {
  const { tabs, unreadable } = readCrontabs(places);
  return { claims: tabs.flatMap(({ path, text, user }) => claimsIn(path, text, user)), unreadable };
}

/** One crontab. `user` is whose it is; undefined where each line names its own. */
export interface Crontab {
  readonly path: string;
  readonly text: string;
  readonly user: string | undefined;
}

/** All crontabs, and in words what could not be read. */
export function readCrontabs({ files, folders, spools }: CronPlaces = CRON_PLACES): {
  readonly tabs: readonly Crontab[];
  readonly unreadable: readonly string[];
} {
  const tabs: Crontab[] = [];
  const unreadable: string[] = [];
  const attempt = <T>(path: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR') unreadable.push(`${path}: ${why(error)}`);
      return undefined;
    }
  };
  const filesIn = (folder: string) =>
    (attempt(folder, () => readdirSync(folder, { withFileTypes: true })) ?? [])
      .filter((entry) => !entry.isDirectory() && !LEFT.test(entry.name))
      .map(({ name }) => ({ name, path: join(folder, name) }));
  const add = (path: string, user?: string) => {
    const text = attempt(path, () => readFileSync(path, 'utf8'));
    if (text !== undefined) tabs.push({ path, text, user });
  };
  for (const path of [...files, ...folders.flatMap((folder) => filesIn(folder).map((file) => file.path))]) add(path);
  for (const { name, path } of spools.flatMap(filesIn)) add(path, name);
  return { tabs, unreadable };
}

/** `user` is whose crontab it is; undefined where each line names its own. */
export function claimsIn(path: string, text: string, user: string | undefined): Claim[] {
  return text.split('\n').flatMap((line, i): Claim[] => {
    const job = jobIn(line, user);
    if (job === undefined) return [];
    const home = homeOf(job.user);
    const runs = commandsIn(job.command).map(({ words, cd }) => ({
      argv: words,
      cwd: cd?.startsWith('/') ? cd : home === undefined ? undefined : join(home, cd ?? ''),
      user: job.user,
      where: `${path}:${i + 1}`,
      main: true,
    }));
    return runs.length === 0 ? [] : [{ what: 'cron', thing: { kind: 'cron', line: line.trim() }, runs }];
  });
}

/** What a line runs, and as whom; undefined for comments and variables. */
export function jobIn(
  line: string,
  owner: string | undefined,
): { readonly user: string; readonly command: string } | undefined {
  const text = line.trim();
  if (text === '' || text.startsWith('#') || /^[A-Za-z_]\w*\s*=/.test(text)) return undefined;
  const [, behind] = /^(?:@[a-z]+|(?:\S+\s+){4}\S+)\s+(.*)$/.exec(text) ?? [];
  if (behind === undefined) return undefined;
  const [, user, command] = owner === undefined ? (/^(\S+)\s+(.*)$/.exec(behind) ?? []) : ['', owner, behind];
  if (user === undefined || command === undefined) return undefined;
  // Behind a % that is not escaped stands what the command is to read.
  return { user, command: command.replace(/(?<!\\)%.*$/, '').replaceAll('\\%', '%') };
}
