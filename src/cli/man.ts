import type { Command, Option } from 'commander';
import { examplesOf, notesOf } from './examples.ts';
import { brief, globalOptions, visibleCommands } from './visible.ts';

/*
 * Man pages, made from the commands themselves, the table of examples and what stands here: one of the tool and one of each
 * command. In roff, by the macros of man(7) that every renderer knows.
 */

const ENVIRONMENT: readonly (readonly [name: string, what: string])[] = [
  [
    'RECONCILE_DESIRED_STATE, RECONCILE_RUNTIME_DIR, RECONCILE_STATE_DIR, RECONCILE_LOG_DIR, RECONCILE_HOST',
    'as the options of these names, which go before them',
  ],
  ['NO_COLOR', 'no colours, whatever it is set to'],
  ['FORCE_COLOR', 'colours also where it is no terminal'],
];

const FILES: readonly (readonly [path: string, what: string])[] = [
  ['reconcile.config.yaml', "the tool's own configuration, in the current folder (also .yml, .json)"],
  ['/etc/reconciled/reconcile.config.yaml', 'that of the host, for root, where the current folder says nothing'],
  ['./desired-state', 'the desired state, where nothing else is said'],
  ['/run/reconciled', 'sockets of the daemon, and what is known of running services'],
  ['/var/lib/reconciled', 'decisions, and the journal'],
  ['/var/log/reconciled', 'output of services that name no file'],
];

const EXITS: readonly (readonly [code: string, what: string])[] = [
  ['0', 'there was nothing to do, or it is done'],
  ['1', 'an error: it could not be tried'],
  ['2', 'changes are pending (a dry run, a plan)'],
  ['3', 'something failed or is held; of status, that something should run and does not'],
];

/** Name of the file -> its text, of all pages. */
export function manPages(top: Command, version: string): ReadonlyMap<string, string> {
  const commands = visibleCommands(top);
  const pages = [topPage(top, commands, version), ...commands.map((command) => commandPage(top, command, version))];
  return new Map(pages.map(({ name, lines }) => [`${name}.1`, `${lines.join('\n')}\n`]));
}

interface Page {
  readonly name: string;
  readonly lines: readonly string[];
}

function topPage(top: Command, commands: readonly Command[], version: string): Page {
  const lines = [
    ...head('reconcile', top.description(), version),
    ...['.SH SYNOPSIS', '.B reconcile', roff('[OPTION]... [COMMAND]')],
    ...[
      '.SH DESCRIPTION',
      roff(
        'A directory of YAML in Git says what should run on this host; reconcile makes it so, under systemd, supervisord or its own supervisor. It shows every change before it makes it, and restarts nothing that did not have to be restarted. Without a command it applies.',
      ),
    ],
    ...[
      '.SH COMMANDS',
      ...commands.flatMap((command) => item(`reconcile-${command.name()}(1)`, command.description())),
    ],
    ...['.SH OPTIONS', ...top.createHelp().visibleOptions(top).flatMap(optionItem)],
    ...examples(top),
    ...exits(),
    ...['.SH ENVIRONMENT', ...ENVIRONMENT.flatMap(([name, what]) => item(name, what))],
    ...['.SH FILES', ...FILES.flatMap(([path, what]) => item(path, what))],
    ...['.SH SEE ALSO', `${commands.map((command) => page(command)).join(',\n')}`],
  ];
  return { name: 'reconcile', lines };
}

function commandPage(top: Command, command: Command, version: string): Page {
  const name = `reconcile-${command.name()}`;
  const own = command.createHelp().visibleOptions(command);
  const all = globalOptions(top, command);
  const told = command.createHelp().visibleArguments(command);
  const lines = [
    ...head(name, command.description(), version),
    ...[
      '.SH SYNOPSIS',
      `.B reconcile ${roff(command.name())}`,
      roff(['[OPTION]...', ...argumentsOf(command)].join(' ')),
    ],
    ...['.SH DESCRIPTION', roff(sentence(command.description())), ...paragraphs(notesOf(command))],
    ...told.flatMap((argument, i) => [
      ...(i === 0 ? ['.SH ARGUMENTS'] : []),
      ...item(argument.name().toUpperCase(), command.createHelp().argumentDescription(argument)),
    ]),
    ...['.SH OPTIONS', ...own.flatMap(optionItem)],
    ...(all.length === 0 ? [] : ['.SS Options of all commands', ...all.flatMap(optionItem)]),
    ...examples(command),
    ...exits(),
    ...['.SH SEE ALSO', page(top)],
  ];
  return { name, lines };
}

function head(name: string, description: string, version: string): readonly string[] {
  // No date: the same commands make the same page.
  return [
    '.\\" Made from the commands themselves: do not edit.',
    `.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" "reconciled ${version}" "reconciled"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(brief(description).replace(/\.$/, ''))}`,
  ];
}

function argumentsOf(command: Command): readonly string[] {
  return command.registeredArguments.map((argument) => {
    const name = `${argument.name().toUpperCase()}${argument.variadic ? '...' : ''}`;
    return argument.required ? name : `[${name}]`;
  });
}

function optionItem({ flags, description }: Option): readonly string[] {
  return item(flags, description);
}

function item(term: string, what: string): readonly string[] {
  return ['.TP', `\\fB${roff(term)}\\fR`, roff(what)];
}

function examples(command: Command): readonly string[] {
  const all = examplesOf(command);
  return all.length === 0 ? [] : ['.SH EXAMPLES', ...all.flatMap(([line, what]) => item(line, what))];
}

function exits(): readonly string[] {
  return ['.SH EXIT STATUS', ...EXITS.flatMap(([code, what]) => item(code, what))];
}

function paragraphs(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => ['.PP', ...text.split('\n').map(roff)]);
}

function page(command: Command): string {
  const name = command.parent === null ? 'reconcile' : `reconcile-${command.name()}`;
  return `\\fB${roff(name)}\\fR(1)`;
}

function sentence(text: string): string {
  const big = text.startsWith('`') ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return big.endsWith('.') ? big : `${big}.`;
}

/** As roff takes text for itself: quotes and dashes as they are typed, nothing that begins a request. */
export function roff(text: string): string {
  const SIGNS: Readonly<Record<string, string>> = {
    '\\': '\\e',
    '-': '\\-',
    "'": '\\(aq',
    '`': '\\(ga',
    '^': '\\(ha',
    '~': '\\(ti',
    '"': '\\(dq',
  };
  return text.replace(/[\\\-'`^~"]/g, (sign) => SIGNS[sign] ?? sign).replace(/^\./, '\\&.');
}
