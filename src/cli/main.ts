import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { closest } from '../closest.ts';
import { readConfig, unknownVariables } from '../config.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { addAlerts } from './alert-commands.ts';
import { addChangeControl } from './change-control.ts';
import { addCompletion } from './completion-commands.ts';
import type { Context, Options, Run, RunLater } from './context.ts';
import { addDaemon } from './daemon-commands.ts';
import { addEdits } from './edit-commands.ts';
import { addExamples } from './examples.ts';
import { refuseFlags } from './flags.ts';
import { addGit } from './git-commands.ts';
import { groupCommands } from './help-groups.ts';
import { addHolds } from './hold-commands.ts';
import { addImport } from './import-commands.ts';
import { addInsights } from './insight-commands.ts';

import { addLogs } from './logs-command.ts';
import { addLooks } from './look-commands.ts';
import { addOperate } from './operate-commands.ts';
import { addSetup } from './setup-commands.ts';
import { styleFor } from './style.ts';
import { globalOptions } from './visible.ts';

/** Runs one command line; the exit code: 0 nothing to do or done, 1 error, 2 (dry run) changes pending, 3 failed or held. */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  const json = argv.includes('--json');
  const run = async (load: () => Promise<Run>, options: Options) => {
    const command = await load();
    code = await command(await contextOf(options), options);
  };
  // A reader that goes away (`| head`) is no error of ours.
  process.stdout.on('error', () => process.exit(code));
  try {
    // What stands behind it is of another command line: shells ask it at every Tab.
    if (argv[2] === 'complete') {
      const { completeText } = await import('./commands/complete.ts');
      process.stdout.write(await completeText(program(run), argv[3] ?? '', argv.slice(5)));
      return 0;
    }
    await program(run).parseAsync([...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const problems = problemsOf(error);
    const { problemsJson, problemsText } = await import('./views/problems.ts');
    if (json) process.stdout.write(`${JSON.stringify(problemsJson(problems), null, 2)}\n`);
    // Commander has said on stderr what is wrong with a command line.
    else if (!(error instanceof CommanderError)) process.stderr.write(problemsText(problems, styleFor(process.stderr)));
    return 1;
  }
}

/** What went wrong, as problems; a defect of ours goes on as it is. What the system refused (a full disk) is none. */
function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof Failure) return error.problems;
  if (error instanceof CommanderError)
    return [
      { code: 'usage', summary: error.message.replace(/^error: /, ''), hint: '`reconcile --help` tells what there is' },
    ];
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined) throw error;
  return [
    { code: 'system', summary: `cannot go on: ${why(error)} (${syscall}${path === undefined ? '' : ` ${path}`})` },
  ];
}

async function contextOf(options: Options): Promise<Context> {
  const note = (text: string) => process.stderr.write(text);
  const notes = unknownVariables(process.env);
  if (notes.length > 0) note((await import('./views/problems.ts')).problemsText(notes, styleFor(process.stderr)));
  return {
    config: await readConfig(options),
    style: styleFor(process.stdout),
    width: process.stdout.columns ?? 100,
    out: (text) => process.stdout.write(text),
    note,
  };
}

/** All commands; also what man pages and completions are made from. */
export function program(run: RunLater): Command {
  const top: Command = new Command('reconcile')
    .description('Make the processes of this host as a Git-tracked directory of YAML says.')
    .version(version(), '-V, --version', 'print the version')
    .option('--desired-state <dir>', 'the desired-state directory (RECONCILE_DESIRED_STATE; default: ./desired-state)')
    .option(
      '--runtime-dir <dir>',
      'where running services are kept track of (RECONCILE_RUNTIME_DIR; default: /run/reconciled as root)',
    )
    .option('--state-dir <dir>', 'where decisions are kept (RECONCILE_STATE_DIR; default: /var/lib/reconciled as root)')
    .option(
      '--log-dir <dir>',
      'where services log that name no file (RECONCILE_LOG_DIR; default: /var/log/reconciled as root)',
    )
    .option('--host <name>', 'the host to be, for labels/ and hosts/ (RECONCILE_HOST; default: the hostname)')
    .option('--config <file>', "the tool's own configuration (default: ./reconcile.config.yaml, .yml or .json)")
    .option('--json', 'print JSON')
    .option('--dry-run', 'show what would be done, and do nothing')
    .option('--only <name...>', "only these services; 'GROUP:*' for all of a group")
    .option('--claim', 'take over services that another desired-state directory owned')
    .option(
      '--restart-staged',
      'restart services that run with older settings, so that what waits for their next start takes effect',
    )
    .option(
      '--override <reason>',
      'do it now, though a change window or a gate is shut or it is frozen; the reason is recorded',
    )
    .showSuggestionAfterError()
    .showHelpAfterError('(`reconcile --help` tells what there is)')
    .exitOverride()
    .allowExcessArguments()
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: (command) => (command === top ? [] : [...globalOptions(top, command)]),
    })
    .hook('preAction', (_, command) => refuseWord(top, command))
    .hook('preAction', (_, command) => refuseFlags(command.name(), command.optsWithGlobals()))
    .action((_, command: Command) => {
      const options: Options = command.optsWithGlobals();
      return run(async () => {
        if (options.dryRun) return (await import('./commands/plan.ts')).dryRun;
        return (await import('./commands/apply.ts')).applyCommand;
      }, options);
    });
  top
    .command('plan')
    .description('show what would be done, like --dry-run, and keep it in a file for `reconcile apply`')
    .option('--out <file>', 'write the plan there')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/plan.ts')).planCommand, command.optsWithGlobals()),
    );
  top
    .command('apply <file>')
    .description('apply a plan that `reconcile plan --out` wrote; refused when anything has changed since')
    .action((file: string, _, command: Command) =>
      run(async () => (await import('./commands/apply.ts')).applyFileCommand, {
        ...command.optsWithGlobals(),
        file,
      }),
    );
  addOperate(top, run);
  addGit(top, run);
  addChangeControl(top, run);
  addHolds(top, run);
  addEdits(top, run);
  addLooks(top, run);
  addInsights(top, run);
  addLogs(top, run);
  addAlerts(top, run);
  addImport(top, run);
  addDaemon(top, run);
  addSetup(top, run);
  addCompletion(top);
  groupCommands(top);
  addExamples(top);
  for (const command of top.commands)
    command.showHelpAfterError(`(\`reconcile ${command.name()} --help\` tells what it takes)`);
  // Words that mean nothing to a command are refused as well.
  for (const command of top.commands) command.allowExcessArguments(false);
  return top;
}

/** A word that is no command is refused: nobody is to believe that it had an effect. */
function refuseWord(top: Command, command: Command): void {
  const [word] = command === top ? command.args : [];
  if (word !== undefined) {
    const names = top.commands.map((known) => known.name());
    const near = closest(word, names);
    const hint = near === undefined ? `there are ${names.join(', ')}` : `did you mean \`reconcile ${near}\`?`;
    throw new Failure({ code: 'unknown-command', summary: `there is no command '${word}'`, hint });
  }
}

function version(): string {
  // Two folders up both from here and from the bundle's chunks.
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
}
