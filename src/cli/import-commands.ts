import type { Command } from 'commander';
import type { RunLater } from './context.ts';

/** The command that makes desired state of what a host has. */
export function addImport(top: Command, run: RunLater): void {
  top
    .command('import [name...]')
    .description('write service files for what runs on this host already, and what of it can not be said there')
    .option('--units [pattern...]', "units: those that somebody has set up here, or these (web, 'worker-*')")
    .option('--supervisord [config...]', 'programs: of every supervisord here, or of these configurations')
    .option('--cron', 'what `@reboot` lines of crontabs start')
    .option('--processes', 'running processes that nothing manages: those that somebody started by hand')
    .option('--pid <pid...>', 'these processes')
    .option('--all', 'everything: also all units of packages, and processes that nothing manages')
    .option('--out <dir>', 'write to this desired-state directory (default: the one in use)')
    .option('--env-dir <dir>', 'where secrets go (default: /etc/reconciled/env as root)')
    .option('--supervisor <name>', 'who is to run what cron or a person started (default: systemd, else builtin)')
    .option('--rewrite', 'make units of packages our own, in place of managing them by their state alone')
    .option('--force', 'write the files of services anew that are there already')
    .option('--adopt', 'take over what can be without a restart, with its process; the rest is told')
    .action((names: string[], _: unknown, command: Command) =>
      run(async () => (await import('./commands/import.ts')).importCommand, { ...command.optsWithGlobals(), names }),
    );
}
