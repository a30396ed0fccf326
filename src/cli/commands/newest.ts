import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readHolder } from '../../host/lock.ts';
import { bringUp } from '../../sources.ts';
import type { Context } from '../context.ts';
import { problemsText } from '../views/problems.ts';

/**
 * Who only looks sees what is newest in a repository elsewhere, or is told why not. With a daemon running its commit is
 * what counts, and nothing is fetched.
 */
export async function lookForNewest({ config, note, style }: Context): Promise<void> {
  if (config.git === undefined) return;
  const holder = readHolder(join(config.runtimeDir, 'lock'));
  if (holder?.role === 'daemon' && holder.desiredState === config.desiredState && existsSync(`/proc/${holder.pid}`))
    return;
  await bringUp(config, { looking: true }, (problem) =>
    note(`${problemsText([problem], style)}\nWhat was taken before is shown:\n`),
  );
}
