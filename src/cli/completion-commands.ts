import { Argument, type Command } from 'commander';

/** The command by which shells learn to complete what is typed; it needs no configuration. */
export function addCompletion(top: Command): void {
  top
    .command('completion')
    .description('print what makes a shell complete commands, options and names at Tab')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: string) => {
      const { SCRIPTS } = await import('./completion/scripts.ts');
      process.stdout.write(SCRIPTS[shell] ?? '');
    });
}
