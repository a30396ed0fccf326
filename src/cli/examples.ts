import type { Command } from 'commander';
import { APPLY } from './examples/apply.ts';
import { DAEMON } from './examples/daemon.ts';
import { EDITS } from './examples/edits.ts';
import { GIT } from './examples/git.ts';
import { HOLDS } from './examples/holds.ts';
import { IMPORT } from './examples/import.ts';
import { INSIGHTS } from './examples/insights.ts';
import { LOOKS } from './examples/looks.ts';
import { SETUP } from './examples/setup.ts';
import { wrapped } from './views/plan-changes.ts';

/** A command line as one would type it, and what it does, in a few words. */
export type Example = readonly [line: string, what: string];

/** Examples by command; the first of each stands below `reconcile --help` too. Each topic has a file of its own. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  ...APPLY,
  ...HOLDS,
  ...EDITS,
  ...GIT,
  ...LOOKS,
  ...INSIGHTS,
  ...IMPORT,
  ...DAEMON,
  ...SETUP,
};

/** What else there is to know of a command. */
export const NOTES: Readonly<Record<string, string>> = {
  reconcile:
    'Exit codes: 0 nothing to do or done, 1 error, 2 changes pending (--dry-run, plan), 3 something failed or is held.',
  status:
    'Exit codes: 0 all that is shown and should run does, 3 something should run and does not (stopped by hand, FATAL, HELD, between two starts, not there, or not to be read); neither what waits for a first start, nor what has ended as its restart policy allows.',
  reload: 'Exit code 3 where one failed, or is not well since; those that come after it are left as they are.',
  logs: 'It reads as you, not as the daemon: what you may not read is told, and the rest is shown. Ctrl-C ends it (exit code 0).',
  alert: 'It is sent as you, from this process: no daemon is needed, and what the daemon may read you may not.',
};

/** Whom a command is about: said at each that takes such names. */
const NAMES = `NAME is a service, one of its instances (web@2), a group (dolphin or 'dolphin:*'), one of a group (dolphin:web) or a
pattern of names ('web-*', quoted). A service goes before a group of its name.`;
/** These keep names as they are given, or name something else. */
const AS_GIVEN: ReadonlySet<string> = new Set(['freeze', 'unfreeze', 'import']);

/** Each in a paragraph. */
export function notesOf(command: Command): readonly string[] {
  const isNamed = command.registeredArguments.some((argument) => argument.variadic && argument.name() === 'name');
  const own = NOTES[command.name()];
  return [...(isNamed && !AS_GIVEN.has(command.name()) ? [NAMES] : []), ...(own === undefined ? [] : [own])];
}

/** Examples stand below the help of every command; below that of all, the first of each. */
export function addExamples(top: Command): void {
  for (const command of [top, ...top.commands])
    command.addHelpText('after', () => helpText(command === top ? firsts() : examplesOf(command), notesOf(command)));
}

export function examplesOf(command: Command): readonly Example[] {
  return EXAMPLES[command.name()] ?? [];
}

function firsts(): readonly Example[] {
  const { reconcile = [], ...others } = EXAMPLES;
  return [...reconcile, ...Object.values(others).flatMap(([first]) => (first === undefined ? [] : [first]))];
}

const NARROWEST = 30;
/** Behind longer lines it stands below. */
const WIDEST = 38;

function helpText(examples: readonly Example[], notes: readonly string[]): string {
  const widest = Math.max(0, ...examples.map(([line]) => line.length).filter((length) => length <= WIDEST));
  // Only where it is known how wide it is shown.
  const width = process.stdout.columns ?? Number.POSITIVE_INFINITY;
  const indent = ' '.repeat(widest + 4);
  const lines = examples.map(([line, what]) => {
    const text = wrapped(what, Math.max(NARROWEST, width - indent.length)).join(`\n${indent}`);
    return line.length > widest ? `  ${line}\n${indent}${text}` : `  ${line.padEnd(widest)}  ${text}`;
  });
  const parts = [...(lines.length === 0 ? [] : [`Examples:\n${lines.join('\n')}`]), ...notes];
  return parts.map((part) => `\n${part}`).join('\n');
}
