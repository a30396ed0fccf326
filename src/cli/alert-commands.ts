import type { Command } from 'commander';
import { Failure } from '../problem.ts';
import type { RunLater } from './context.ts';

/** The command about those who are told (`alerts` in policy.yaml). */
export function addAlerts(top: Command, run: RunLater): void {
  top
    .command('alert <what> [name]')
    .description('`alert test [NAME]`: send a test alert to all that policy.yaml names, or to one; say what came back')
    .action((what: string, name: string | undefined, _, command: Command) => {
      if (what !== 'test')
        throw new Failure({ code: 'usage', summary: `cannot '${what}' an alert`, hint: 'reconcile alert test [NAME]' });
      return run(async () => (await import('./commands/alert.ts')).alertTestCommand, {
        ...command.optsWithGlobals(),
        ...(name === undefined ? {} : { what: name }),
      });
    });
}
