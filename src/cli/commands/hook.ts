import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { NUDGE } from '../../daemon/source.ts';
import { type HookDone, installHooks, removeHooks } from '../../git/hooks.ts';
import { localPath } from '../../git/remote.ts';
import { workTreeOf } from '../../git/worktree.ts';
import { Failure } from '../../problem.ts';
import type { Context, Options } from '../context.ts';

/** `reconcile hook install|remove [REPOSITORY]`: a push or commit there tells the daemon to look. */
export async function hookCommand(context: Context, options: Options): Promise<number> {
  const { config, out, note } = context;
  const repository = options.what ?? ownRepository(context);
  const nudge = join(config.runtimeDir, NUDGE);
  const done = options.remove ? await removeHooks(repository) : await installHooks(repository, nudge);
  if (options.json) out(`${JSON.stringify({ hooks: done }, null, 2)}\n`);
  else out(done.map((hook) => `${WORDS[hook.done]} ${hook.path}\n`).join(''));
  if (!options.remove && !isWritable(nudge))
    note(
      `You cannot write ${nudge}, and so cannot what you push with: the hooks will tell nobody.\n  Name a group that may (readGroup in the configuration) and be in it, and restart the daemon; until then it looks by itself (git.poll).\n`,
    );
  return 0;
}

const WORDS: Readonly<Record<HookDone['done'], string>> = {
  installed: 'Installed',
  there: 'There already:',
  removed: 'Removed',
  absent: 'Not ours, or not there:',
};

/** Where no daemon ran yet there is no such file, and nothing to be said of it. */
function isWritable(nudge: string): boolean {
  try {
    if (existsSync(nudge)) accessSync(nudge, constants.W_OK);
    else accessSync(join(nudge, '..'), constants.X_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function ownRepository({ config }: Context): string {
  const found = config.git === undefined ? workTreeOf(config.desiredState)?.root : localPath(config.git.url);
  if (found !== undefined) return found;
  throw new Failure({
    code: 'no-repository',
    summary: 'cannot install hooks: the repository of the desired state is not on this host',
    hint:
      config.git === undefined
        ? 'name one: reconcile hook install /srv/git/ops.git'
        : 'there the daemon looks by itself (git.poll), or is told: ssh HOST reconcile sync --no-wait',
  });
}
