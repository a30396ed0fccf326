import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findUser } from '../../host/users.ts';
import type { RunsAs } from '../shared/programs.ts';
import type { Settings } from '../shared/settings.ts';
import { FIFO, makeFifo } from './fifo.ts';

/** What a start needs is there. */
export interface PreparedStart {
  readonly runsAs: RunsAs | undefined;
  /** Its FIFO was not there before: nobody can hold it. */
  readonly isNew: boolean;
}

/** Makes a service's folder and FIFO and finds its user. Throws what the system call says, or that there is no such user. */
export async function prepareStart(folder: string, { user, group }: Settings): Promise<PreparedStart> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fifo = join(folder, FIFO);
  const isNew = !existsSync(fifo);
  const [found] = await Promise.all([
    user === undefined ? undefined : findUser(user),
    isNew ? makeFifo(fifo) : undefined,
  ]);
  if (user !== undefined && found === undefined) throw new Error(`there is no user '${user}'`);
  return { runsAs: found && { user: found, group }, isNew };
}
