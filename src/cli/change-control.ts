import type { Command } from 'commander';
import type { RunLater } from './context.ts';

/** The commands by which people say when changes are made. */
export function addChangeControl(top: Command, run: RunLater): void {
  top
    .command('freeze [name...]')
    .description("change nothing, of everything or of these services, until it ends; 'GROUP:*' for all of a group")
    .option('--reason <text>', 'why; shown wherever something waits for its end')
    .option('--for <duration>', 'how long (2h); else until `reconcile unfreeze`')
    .option('--until <time>', 'until then (2026-11-24T16:40, in UTC, or with a zone)')
    .option('--by <name>', 'whose doing it is (default: the user who logged in)')
    .action((names: string[], _, command: Command) =>
      run(async () => (await import('./commands/freeze.ts')).freezeCommand, { ...command.optsWithGlobals(), names }),
    );
  top
    .command('unfreeze [name...]')
    .description('end what was frozen, all of it or by these names; what waited is done')
    .action((names: string[], _, command: Command) =>
      run(async () => (await import('./commands/freeze.ts')).unfreezeCommand, { ...command.optsWithGlobals(), names }),
    );
  top
    .command('approve [id]')
    .description('have done what waits for an approval (`confirm: true`); without an id, show it')
    .action((id: string | undefined, _, command: Command) =>
      run(async () => (await import('./commands/approve.ts')).approveCommand, {
        ...command.optsWithGlobals(),
        ...(id === undefined ? {} : { id }),
      }),
    );
}
