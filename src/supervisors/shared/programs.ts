import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { User } from '../../host/users.ts';
import { BASE_PATH } from './environment.ts';

/** Who a service runs as, where that is not the user of the supervisor. */
export interface RunsAs {
  readonly user: User;
  /** The name or number of another group than the user's own. */
  readonly group: string | undefined;
}

/** Node's own uid and gid would drop the supplementary groups. */
export function switchUser(runsAs: RunsAs | undefined): readonly string[] {
  // Only root can; anybody else was checked to be that user.
  if (runsAs === undefined || process.getuid?.() !== 0) return [];
  const { uid, gid, name } = runsAs.user;
  const groups = name === String(uid) ? '--clear-groups' : '--init-groups';
  return [tool('setpriv'), `--reuid=${uid}`, `--regid=${runsAs.group ?? gid}`, groups, '--'];
}

/** A program of the host's, whatever PATH the service has. */
export function tool(name: string): string {
  return findProgram(name, '/', BASE_PATH) ?? name;
}

/** Where a command is found: absolute, with a slash below the directory, else in PATH. Undefined where it isn't. */
export function findProgram(program: string, directory: string, path: string): string | undefined {
  const candidates = program.includes('/')
    ? [isAbsolute(program) ? program : join(directory, program)]
    : path.split(':').map((folder) => join(folder === '' ? directory : folder, program));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}

/**
 * What runs any program, named as it may be, by the service's own PATH, and changes nothing. env takes a name with `=` for a
 * variable and `-` for an option; a shell would add variables of its own.
 */
export function launcherFor(program: string): readonly string[] {
  return program.includes('=') || program === '-' ? ['/usr/bin/nice', '-n', '0', '--'] : ['/usr/bin/env', '--'];
}
