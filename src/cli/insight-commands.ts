import type { Command } from 'commander';
import type { RunLater } from './context.ts';

/** The commands that tell what goes on, and what is in effect. */
export function addInsights(top: Command, run: RunLater): void {
  top
    .command('events [name...]')
    .description("show what happened in the order in which it did, and with -f what happens; 'GROUP:*' for a group")
    .option('-f, --follow', 'go on, and show what comes as it comes')
    .option('--since <when>', 'from then on: how long ago (2h, 7d) or a time in UTC (2026-11-24, 2026-11-24T16:40)')
    .option('-n, --limit <number>', 'no more than the newest so many of what there is (default: 100, with -f 10)')
    .action((names: string[], _, command: Command) =>
      run(async () => (await import('./commands/events.ts')).eventsCommand, { ...command.optsWithGlobals(), names }),
    );
  top
    .command('env <name...>')
    .description(
      'show the environment that services have: which variable comes from where, and what is another at their next start',
    )
    .action((names: string[], _, command: Command) =>
      run(async () => (await import('./commands/env.ts')).envCommand, { ...command.optsWithGlobals(), names }),
    );
  top
    .command('config [name...]')
    .description(
      'show what is in effect and who says so: the settings of reconcile and the policy, or the fields of services',
    )
    .action((names: string[], _, command: Command) =>
      run(async () => (await import('./commands/config.ts')).configCommand, { ...command.optsWithGlobals(), names }),
    );
}
