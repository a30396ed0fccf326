import type { Command } from 'commander';
import type { RunLater } from './context.ts';

/** The commands that only look. */
export function addLooks(top: Command, run: RunLater): void {
  top
    .command('validate')
    .description('check the desired state and show every problem at once')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/validate.ts')).validateCommand, command.optsWithGlobals()),
    );
  top
    .command('who [what]')
    .description(
      'show who runs a service, a pid or a port (8010 or :8010): every process that looks like it, and what else claims it',
    )
    .option('--restarts <name>', 'watch, and show who keeps restarting a service, a unit or a program')
    .option('--for <duration>', 'how long to watch (default: 10s)')
    .action((what: string | undefined, _, command: Command) =>
      run(async () => (await import('./commands/who.ts')).whoCommand, {
        ...command.optsWithGlobals(),
        ...(what === undefined ? {} : { what }),
      }),
    );
  top
    .command('history [name]')
    .description('show what happened, newest last: every run, its plan, its steps, and what became of each service')
    .option('--since <when>', 'from then on: how long ago (2h, 7d) or a time in UTC (2026-11-24, 2026-11-24T16:40)')
    .option('-n, --limit <number>', 'no more than the newest so many (default: 100)')
    .action((what: string | undefined, _, command: Command) =>
      run(async () => (await import('./commands/history.ts')).historyCommand, {
        ...command.optsWithGlobals(),
        ...(what === undefined ? {} : { what }),
      }),
    );
  top
    .command('explain <name>')
    .description('show how a service came to be as it is: from the commit through plan and steps to what it is now')
    .option('--since <when>', 'from then on, and not from the last change of it on')
    .option('-n, --limit <number>', 'no more than so many events (default: 40)')
    .action((what: string, _, command: Command) =>
      run(async () => (await import('./commands/explain.ts')).explainCommand, {
        ...command.optsWithGlobals(),
        what,
      }),
    );
  top
    .command('diff <range>')
    .description(
      'show what a change would do here, where all was as a commit says: A..B; without A or B it is what is in force',
    )
    .action((range: string, _, command: Command) =>
      run(async () => (await import('./commands/diff.ts')).diffCommand, {
        ...command.optsWithGlobals(),
        range,
      }),
    );
}
