import { join } from 'node:path';
import { whoAsks } from '../../daemon/asked.ts';
import { askSync } from '../../daemon/client.ts';
import { repositoryOf } from '../../git/commits.ts';
import { readSeen } from '../../git/remember.ts';
import { readHolder, takeLock } from '../../host/lock.ts';
import { Failure } from '../../problem.ts';
import type { Context, Options } from '../context.ts';
import { type Synced, syncJson, syncText } from '../views/sync.ts';
import { run } from './apply.ts';

/** `reconcile sync`: looks for a new commit now, and applies it: by the daemon where one runs, else itself. */
export async function syncCommand(context: Context, options: Options): Promise<number> {
  const { config } = context;
  const { allowRewind = false, wait = true } = options;
  if (!(await daemonRuns(context))) {
    if (!wait) return 0;
    return run(context, options, { only: [], asked: [] }, (report) =>
      syncJson({ commit: takenOf(context), report, problems: [] }),
    );
  }
  const synced: Synced = await askSync(join(config.runtimeDir, 'control.sock'), {
    desiredState: config.desiredState,
    allowRewind,
    wait,
    by: whoAsks(),
  });
  if (options.json) context.out(`${JSON.stringify(syncJson(synced), null, 2)}\n`);
  else {
    if (wait) context.out(syncText(synced, context.style));
    if (synced.problems.length > 0) throw new Failure(...synced.problems);
  }
  if (synced.problems.length > 0) return 1;
  const { report } = synced;
  const unwell = report?.plan.held.length || report?.steps.some(({ outcome }) => outcome.kind !== 'done');
  return unwell ? 3 : 0;
}

function takenOf({ config }: Context): Synced['commit'] {
  const remote = repositoryOf(config);
  return remote === undefined ? undefined : readSeen(remote).taken;
}

/** A daemon holds its lock as long as it lives; what it wrote there may be older. */
async function daemonRuns({ config }: Context): Promise<boolean> {
  const path = join(config.runtimeDir, 'lock');
  const holder = readHolder(path);
  if (holder?.role !== 'daemon') return false;
  const lock = await takeLock(path, { ...holder, role: 'apply', pid: process.pid }, 0);
  lock?.[Symbol.dispose]();
  return lock === undefined;
}
