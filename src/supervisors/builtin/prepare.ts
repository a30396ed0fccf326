import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findUser } from '../../host/users.ts';
import type { RunsAs } from '../shared/programs.ts';
import type { Settings } from '../shared/settings.ts';
import { FIFO, makeFifo } from './fifo.ts';

/** Makes a service's folder and FIFO and finds its user. Throws what the system call says, or that there is no such user. */
export async function prepareStart(folder: string, { user, group }: Settings): Promise<RunsAs | undefined> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fifo = join(folder, FIFO);
  const [found] = await Promise.all([
    user === undefined ? undefined : findUser(user),
    existsSync(fifo) ? undefined : makeFifo(fifo),
  ]);
  if (user !== undefined && found === undefined) throw new Error(`there is no user '${user}'`);
  return found && { user: found, group };
}
