import { readFileSync } from 'node:fs';
import { self, type User } from '../../host/users.ts';
import type { ServiceId } from '../../model.ts';
import { formatStamp, STAMP } from '../../stamp.ts';
import type { Settings } from './settings.ts';

/** Where programs are looked up, the same from a shell, cron or a daemon. */
export const BASE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The whole environment of a service, built from nothing: the fixed base, what is declared, its files, its stamp. Reads
 * the environment files; throws where one can't be read.
 */
export function environmentOf(
  settings: Pick<Settings, 'environment' | 'environmentFiles'>,
  user: User = self(),
  stamp?: { readonly owner: string; readonly id: ServiceId; readonly hash: string },
): Record<string, string> {
  const environment: Record<string, string> = {
    PATH: BASE_PATH,
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: user.shell,
    LANG: 'C.UTF-8',
    ...settings.environment,
  };
  for (const path of settings.environmentFiles) Object.assign(environment, parseFile(readFileSync(path, 'utf8')));
  if (stamp === undefined) return environment;
  const instance = stamp.id.split('@')[1];
  if (instance !== undefined) environment.RECONCILED_INSTANCE = instance;
  environment[STAMP] = formatStamp(stamp.owner, stamp.id, stamp.hash);
  return environment;
}

/** Lines KEY=VALUE; empty lines and comments; a value may be in single or double quotes, `export ` may stand before. */
export function parseFile(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    const [, key, written] = match ?? [];
    if (key === undefined || written === undefined) continue;
    const value = written.trim();
    const quoted = /^(["'])(.*)\1$/.exec(value);
    found[key] = quoted?.[2] ?? value;
  }
  return found;
}

/** The same for a command beside an instance: that tells it which one it is about. */
export function ofInstance(id: ServiceId, environment: Readonly<Record<string, string>>): Record<string, string> {
  const instance = id.split('@')[1];
  return instance === undefined ? { ...environment } : { ...environment, RECONCILED_INSTANCE: instance };
}
