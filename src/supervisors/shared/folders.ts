import { lchownSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { findGroup, findUser } from '../../host/users.ts';
import type { HostFolder, Step } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';

/** Makes the folders that are missing for what is to be started; the steps that can't be taken, and why. Never throws. */
export async function makeFolders(steps: readonly Step[]): Promise<ReadonlyMap<string, Problem>> {
  const refused = new Map<string, Problem>();
  for (const { id, service, effect, target } of steps) {
    if (effect !== 'start' && effect !== 'restart') continue;
    for (const folder of target?.service.folders ?? []) {
      try {
        await make(folder);
      } catch (error) {
        const summary = `cannot start ${service}: cannot make ${folder.path}: ${why(error)}`;
        refused.set(id, { code: 'no-folder', summary, hint: 'make it, then run `reconcile` again' });
      }
    }
  }
  return refused;
}

async function make({ path, mode = 0o755, user }: HostFolder): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const made = mkdirSync(path, { recursive: true, mode });
  // Whose one is that was there already is not for us to say.
  if (made === undefined || user === undefined || process.getuid?.() !== 0) return;
  const [name = '', group] = user.split(':');
  const owner = await findUser(name);
  if (owner === undefined) throw new Error(`there is no user '${name}'`);
  const gid = group === undefined ? owner.gid : (await findGroup(group))?.gid;
  if (gid === undefined) throw new Error(`there is no group '${group}'`);
  lchownSync(path, owner.uid, gid);
}
