import type { Command } from 'commander';
import type { RunLater } from './context.ts';

/** The commands about having it at all: how to begin, and what is wrong with this host. */
export function addSetup(top: Command, run: RunLater): void {
  top
    .command('init [dir]')
    .description('make a first desired state here, with a README, editor settings and a CI example; replaces nothing')
    .option('--schemas', 'only the schemas beside a desired state, as this version has them')
    .action((folder: string | undefined, _, command: Command) =>
      run(async () => (await import('./commands/init.ts')).initCommand, {
        ...command.optsWithGlobals(),
        ...(folder === undefined ? {} : { folder }),
      }),
    );
}
