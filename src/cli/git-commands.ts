import type { Command } from 'commander';
import { Failure } from '../problem.ts';
import type { RunLater } from './context.ts';

/** The commands about commits: followed, gone back from. */
export function addGit(top: Command, run: RunLater): void {
  top
    .command('rollback [commit]')
    .description(
      'go back to a commit, or to the last one before this of which everything stayed well; stays so until the next commit',
    )
    .action((commit: string | undefined, _, command: Command) =>
      run(async () => (await import('./commands/rollback.ts')).rollbackCommand, {
        ...command.optsWithGlobals(),
        ...(commit === undefined ? {} : { commit }),
      }),
    );
  top
    .command('retry')
    .description('try again what was rolled back or left alone because it did not stay well, and end a rollback')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/rollback.ts')).retryCommand, command.optsWithGlobals()),
    );
  top
    .command('sync')
    .description('look for a new commit now, and apply it')
    .option('--allow-rewind', 'with trust: also a commit that does not come after the last one')
    .option('--no-wait', 'only tell the daemon, and do not wait for it')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/sync.ts')).syncCommand, command.optsWithGlobals()),
    );
  top
    .command('hook <what> [repository]')
    .description('`hook install`: a push or commit there tells the daemon at once; `hook remove`')
    .action((what: string, repository: string | undefined, _, command: Command) => {
      if (what !== 'install' && what !== 'remove')
        throw new Failure({
          code: 'usage',
          summary: `cannot '${what}' a hook`,
          hint: 'reconcile hook install [REPOSITORY], or remove',
        });
      return run(async () => (await import('./commands/hook.ts')).hookCommand, {
        ...command.optsWithGlobals(),
        remove: what === 'remove',
        ...(repository === undefined ? {} : { what: repository }),
      });
    });
}
