import type { Command } from 'commander';
import type { RunLater } from './context.ts';

/** What services write. */
export function addLogs(top: Command, run: RunLater): void {
  top
    .command('logs <name...>')
    .description("show what services wrote, wherever that is; several, 'GROUP:*' and patterns ('web-*') merged")
    .option('-f, --follow', 'go on with what they write from now on, until Ctrl-C')
    .option('-n, --lines <number>', 'the last so many lines of each log, or all (default: 100; with --since all)')
    .option('--since <when>', 'from then on: how long ago (2h, 7d) or a time in UTC (2026-11-24, 2026-11-24T16:40)')
    .option('--until <when>', 'up to then')
    .option('--stdout', 'standard output alone')
    .option('--stderr', 'standard error alone')
    .option('--grep <regex>', 'only lines that match (RE2 syntax); looked for in the last 10000 lines, or in -n')
    .option('-t, --timestamps', 'begin lines with when they were written, where that is known')
    .option('--no-prefix', 'lines as they are, without the name of their service')
    .action((names: string[], _, command: Command) => {
      const { prefix, ...options } = command.optsWithGlobals();
      return run(async () => (await import('./commands/logs.ts')).logsCommand, {
        ...options,
        names,
        ...(prefix === false ? { bare: true } : {}),
      });
    });
}
