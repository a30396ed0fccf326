import type { Command } from 'commander';
import type { Run, RunLater } from './context.ts';

/** The commands by which services are operated by hand, whatever runs them. */
export function addOperate(top: Command, run: RunLater): void {
  const named = (load: () => Promise<Run>) => (names: string[], _: unknown, command: Command) =>
    run(load, { ...command.optsWithGlobals(), names });
  top
    .command('status [name...]')
    .description(
      'show every service: what is desired, what is, and since when; exit code 3 where one should run and does not',
    )
    .option(
      '--watch',
      'keep it up to date in its place until Ctrl-C; where it is no terminal, print it when it has changed',
    )
    .option('--wide', 'all columns, however long the lines: group, memory, CPU time, definition, since when')
    .action(named(async () => (await import('./commands/status.ts')).statusCommand));
  top
    .command('start [name...]')
    .description('start services, also what waits for a first start, is FATAL or HELD, or was stopped by hand')
    .option('--all', 'all that are to run')
    .action(named(async () => (await import('./commands/hold.ts')).startCommand));
  top
    .command('stop [name...]')
    .description('stop services now, and have them left so for a while; asks their gates')
    .option('--all', 'all services')
    .option('--reason <text>', 'why; shown wherever it is told that they are left so')
    .option('--for <duration>', 'how long (default: holds.for of the policy, 1h)')
    .option('--until <time>', 'until then (2026-11-24T16:40, in UTC, or with a zone)')
    .option('--by <name>', 'whose doing it is (default: the user who logged in)')
    .action(named(async () => (await import('./commands/hold.ts')).stopCommand));
  top
    .command('restart [name...]')
    .description('restart services, or start what is down, as Git says; asks their gates')
    .option('--all', 'all that are to run; a supervisord of ours itself only where it is named')
    .action(named(async () => (await import('./commands/hold.ts')).restartCommand));
  top
    .command('reload [name...]')
    .description(
      'have services read their own settings anew, with the processes that they have, one after what it is after',
    )
    .option('--all', 'all that run and say how (`reload` in the service file; ExecReload= of a unit)')
    .action(named(async () => (await import('./commands/touch.ts')).reloadCommand));
  top
    .command('signal <signal> [name...]')
    .description('send a signal (HUP, USR1, ...) to the main process of services, once and to nothing else')
    .option('--all', 'to all that run')
    .option('--tree', 'to all processes of each')
    .option('--force', 'also one that ends it, or has it stand still')
    .action((signal: string, names: string[], _, command: Command) =>
      run(async () => (await import('./commands/touch.ts')).signalCommand, {
        ...command.optsWithGlobals(),
        signal,
        names,
      }),
    );
}
