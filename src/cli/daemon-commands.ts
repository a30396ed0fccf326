import type { Command } from 'commander';
import type { RunLater } from './context.ts';

/** The commands about the daemon. */
export function addDaemon(top: Command, run: RunLater): void {
  top
    .command('daemon')
    .description(
      'apply, then watch the desired state and keep its services running, until SIGTERM; services outlive it',
    )
    .option('--live', 'show a live status instead of a log')
    .option(
      '--stop-services',
      'when it ends, stop its services too; where a daemon runs already, end that one and its services',
    )
    .action((_, command: Command) =>
      run(async () => (await import('./commands/daemon.ts')).daemonCommand, command.optsWithGlobals()),
    );
  top
    .command('install')
    .description('make the daemon a service of this host, or upgrade it to this release; shows first what it writes')
    .option('--prefix <dir>', 'where releases are kept (default: /opt/reconciled)')
    .option('--yes', 'do it without asking')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/install.ts')).installCommand, command.optsWithGlobals()),
    );
  top
    .command('uninstall')
    .description('end the daemon and remove what `install` wrote; its services go on')
    .option('--prefix <dir>', 'where releases are kept (default: /opt/reconciled)')
    .option('--yes', 'do it without asking')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/install.ts')).uninstallCommand, command.optsWithGlobals()),
    );
}
