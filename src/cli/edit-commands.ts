import type { Command } from 'commander';
import type { RunLater } from './context.ts';

/** The commands that write the desired state. */
export function addEdits(top: Command, run: RunLater): void {
  const edits = (name: 'set' | 'unset', what: string, description: string) =>
    kept(top.command(`${name} <${what}...>`).description(description))
      .option(
        '--layer <layer>',
        'the file to write: base, label:NAME or host (default: where it is said for this host)',
      )
      .option('--yes', 'write it without asking')
      .action((names: string[], options, command: Command) =>
        run(async () => (await import('./commands/set.ts'))[`${name}Command`], {
          ...command.optsWithGlobals(),
          names,
          record: options.commit === true,
        }),
      );
  edits(
    'set',
    'name.field=value',
    'write fields of services, of `policy` or of `supervisord/NAME` to their files, comments kept: NAME.FIELD=VALUE, += and -= for items of lists',
  );
  edits('unset', 'name.field', 'remove fields from their files');
}

/** What commands take that write the desired state and can commit it. */
export function kept(command: Command): Command {
  return command
    .option('--commit', 'commit what it writes, and nothing else')
    .option('-m, --message <text>', 'the message of the commit (default: what was changed)');
}
