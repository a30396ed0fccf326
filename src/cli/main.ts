import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { closest } from '../closest.ts';
import { readConfig, unknownVariables } from '../config.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { addChangeControl } from './change-control.ts';
import type { Context, Options } from './context.ts';
import { refuseFlags } from './flags.ts';
import { styleFor } from './style.ts';

type Run = (context: Context, options: Options) => Promise<number>;

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

function program(run: (load: () => Promise<Run>, options: Options) => Promise<void>): Command {
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
    .option('--override <reason>', 'do it now, though a change window is shut or it is frozen; the reason is recorded')
    .showSuggestionAfterError()
    .showHelpAfterError('(`reconcile --help` tells what there is)')
    .exitOverride()
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments()
    .configureHelp({ showGlobalOptions: true })
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
  top
    .command('start <name...>')
    .description("start services that wait for a first start, are FATAL or HELD; 'GROUP:*' for all of a group")
    .action((names: string[], _, command: Command) =>
      run(async () => (await import('./commands/apply.ts')).startCommand, {
        ...command.optsWithGlobals(),
        names,
      }),
    );
  top
    .command('rollback [commit]')
    .description(
      'go back to a commit, or to the last one before this of which everything stayed well; stays so until the next commit',
    )
    .action((commit: string | undefined, _, command: Command) =>
      run(async () => (await import('./commands/rollback.ts')).rollbackCommand, {
        ...command.optsWithGlobals(),
        ...(commit === undefined ? {} : { commit }),
      }),
    );
  top
    .command('retry')
    .description('try again what was rolled back or left alone because it did not stay well, and end a rollback')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/rollback.ts')).retryCommand, command.optsWithGlobals()),
    );
  addChangeControl(top, run);
  top
    .command('sync')
    .description('look for a new commit now, and apply it')
    .option('--allow-rewind', 'with trust: also a commit that does not come after the last one')
    .option('--no-wait', 'only tell the daemon, and do not wait for it')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/sync.ts')).syncCommand, command.optsWithGlobals()),
    );
  top
    .command('hook <what> [repository]')
    .description('`hook install`: a push or commit there tells the daemon at once; `hook remove`')
    .action((what: string, repository: string | undefined, _, command: Command) => {
      if (what !== 'install' && what !== 'remove')
        throw new Failure({
          code: 'usage',
          summary: `cannot '${what}' a hook`,
          hint: 'reconcile hook install [REPOSITORY], or remove',
        });
      return run(async () => (await import('./commands/hook.ts')).hookCommand, {
        ...command.optsWithGlobals(),
        remove: what === 'remove',
        ...(repository === undefined ? {} : { what: repository }),
      });
    });
  top
    .command('validate')
    .description('check the desired state and show every problem at once')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/validate.ts')).validateCommand, command.optsWithGlobals()),
    );
  top
    .command('status')
    .description('show every service: what is desired, what is, and since when')
    .action((_, command: Command) =>
      run(async () => (await import('./commands/status.ts')).statusCommand, command.optsWithGlobals()),
    );
  top
    .command('who [what]')
    .description(
      'show who runs a service, a pid or a port (8010 or :8010): every process that looks like it, and what else claims it',
    )
    .option('--restarts <name>', 'watch, and show who keeps restarting a service, a unit or a program')
    .option('--for <duration>', 'how long to watch (default: 10s)')
    .action((what: string | undefined, _, command: Command) =>
      run(async () => (await import('./commands/who.ts')).whoCommand, {
        ...command.optsWithGlobals(),
        ...(what === undefined ? {} : { what }),
      }),
    );
  top
    .command('history [name]')
    .description('show what happened, newest last: every run, its plan, its steps, and what became of each service')
    .option('--since <when>', 'from then on: how long ago (2h, 7d) or a time in UTC (2026-11-24, 2026-11-24T16:40)')
    .option('--limit <number>', 'no more than the newest so many (default: 100)')
    .action((what: string | undefined, _, command: Command) =>
      run(async () => (await import('./commands/history.ts')).historyCommand, {
        ...command.optsWithGlobals(),
        ...(what === undefined ? {} : { what }),
      }),
    );
  top
    .command('explain <name>')
    .description('show how a service came to be as it is: from the commit through plan and steps to what it is now')
    .option('--since <when>', 'from then on, and not from the last change of it on')
    .option('--limit <number>', 'no more than so many events (default: 40)')
    .action((what: string, _, command: Command) =>
      run(async () => (await import('./commands/explain.ts')).explainCommand, {
        ...command.optsWithGlobals(),
        what,
      }),
    );
  top
    .command('diff <range>')
    .description(
      'show what a change would do here, where all was as a commit says: A..B; without A or B it is what is in force',
    )
    .action((range: string, _, command: Command) =>
      run(async () => (await import('./commands/diff.ts')).diffCommand, {
        ...command.optsWithGlobals(),
        range,
      }),
    );
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

const EXAMPLES = `
Examples:
  reconcile --dry-run                 what would change? (exit code 2 when something would)
  reconcile                           make it so
  reconcile --only web worker         two services alone
  reconcile --only 'dolphin:*'        all services of a group
  reconcile plan --out friday.json    a plan to look at, and
  reconcile apply friday.json         to apply, as long as nothing has changed since
  reconcile freeze --reason 'audit'   change nothing, of all or of what is named (--for 2h, --until TIME)
  reconcile unfreeze                  go on
  reconcile approve                   what waits for an approval (confirm: true), and
  reconcile approve 3f0c9a1b2d        to have it done
  reconcile sync                      look for a new commit now, and apply it
  reconcile hook install              a push or commit tells the daemon at once (also: hook remove)
  reconcile status --json             for programs
  reconcile who web                   what looks like it, and who runs that; also of a pid, or a port (:8010)
  reconcile who --restarts web        who keeps restarting it? (watches for 10s, or --for 1m)
  reconcile history web --since 2h    what happened to it, and which run did it
  reconcile explain web               how it came to be as it is, and what to do next
  reconcile diff HEAD~1..             what the last commit does here
  reconcile install                   have systemd keep the daemon running; shows the unit first (--dry-run only shows)
  reconcile rollback                  back to the last commit of which everything stayed well, until the next one
  reconcile retry                     try again what was rolled back
  reconcile daemon                    stay, watch the files, and keep the services running

Exit codes: 0 nothing to do or done, 1 error, 2 changes pending (--dry-run, plan), 3 something failed or is held.
`;

function version(): string {
  // Two folders up both from here and from the bundle's chunks.
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
}
