import type { Command } from 'commander';
import type { Run, RunLater } from './context.ts';
import { kept } from './edit-commands.ts';

/** The commands by which people have services left alone for a while. */
export function addHolds(top: Command, run: RunLater): void {
  const named = (load: () => Promise<Run>) => (names: string[], _: unknown, command: Command) =>
    run(load, { ...command.optsWithGlobals(), names });
  top
    .command('hold <name...>')
    .description("do nothing to services, whatever happens to them, for a while; 'GROUP:*' for all of a group")
    .option('--reason <text>', 'why; shown wherever it is told that they are left alone')
    .option('--for <duration>', 'how long (default: holds.for of the policy, 1h)')
    .option('--until <time>', 'until then (2026-11-24T16:40, in UTC, or with a zone)')
    .option('--by <name>', 'whose doing it is (default: the user who logged in)')
    .action(named(async () => (await import('./commands/hold.ts')).holdCommand));
  kept(
    top
      .command('capture <name...>')
      .description("write what services are now to Git's files, for you to commit; --dry-run only shows it"),
  ).action((names: string[], options, command: Command) =>
    run(async () => (await import('./commands/capture.ts')).captureCommand, {
      ...command.optsWithGlobals(),
      names,
      record: options.commit === true,
    }),
  );
  top
    .command('release [name...]')
    .description('make as Git says what was held, or left as somebody made it')
    .option('--breaker', 'end that this host is only observed, since it has had more restarts than its budget')
    .action(named(async () => (await import('./commands/hold.ts')).releaseCommand));
}
