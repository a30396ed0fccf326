import { existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { readConfig } from '../supervisors/supervisord/config-file.ts';
import { words } from '../supervisors/supervisord/python.ts';

/**
 * A folder whose `*.conf` files a supervisord includes, where programs of ours can be; undefined where there is none. Of
 * several, the first that is there.
 */
export function includeFolder(config: string): string | undefined {
  const files = readConfig(config).sections.get('include')?.options.get('files')?.value;
  if (files === undefined) return undefined;
  const here = dirname(config);
  const patterns = words(files.replaceAll('%(here)s', here).replaceAll('%(host_node_name)s', hostname()));
  const folders = patterns
    .map((pattern) => resolve(here, pattern))
    // A file of ours is called reconciled-OWNER.conf.
    .filter((path) => path.endsWith('/*.conf') || path.endsWith('/*'))
    .map((path) => dirname(path))
    .filter((folder) => !/[*?[]/.test(folder));
  return folders.find((folder) => existsSync(folder) && statSync(folder).isDirectory()) ?? folders[0];
}
