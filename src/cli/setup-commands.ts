import type { Command } from 'commander';
import { Failure } from '../problem.ts';
import type { Options, RunLater } from './context.ts';

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
  top
    .command('doctor')
    .description('what is wrong with this host or this setup, and the commands that mend it; changes nothing')
    .action(async (_, command: Command) => {
      const options: Options = command.optsWithGlobals();
      const load = async () => (await import('./commands/doctor.ts')).doctorCommand;
      try {
        await run(load, options);
      } catch (error) {
        // A configuration that can't be read is the first thing to be told, and no reason to look at nothing else.
        if (!(error instanceof Failure) || options.ailing !== undefined) throw error;
        await run(load, { ...options, config: '/dev/null', ailing: error.problems });
      }
    });
}
