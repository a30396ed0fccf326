import type { Command } from 'commander';
import { APPLY } from './examples/apply.ts';
import { DAEMON } from './examples/daemon.ts';
import { GIT } from './examples/git.ts';
import { HOLDS } from './examples/holds.ts';
import { INSIGHTS } from './examples/insights.ts';
import { LOOKS } from './examples/looks.ts';
import { SETUP } from './examples/setup.ts';

/** A command line as one would type it, and what it does, in a few words. */
export type Example = readonly [line: string, what: string];

/** Examples by command; the first of each stands below `reconcile --help` too. Each topic has a file of its own. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  ...APPLY,
  ...HOLDS,
  ...GIT,
  ...LOOKS,
  ...INSIGHTS,
  ...DAEMON,
  ...SETUP,
};

/** What else there is to know of a command. */
export const NOTES: Readonly<Record<string, string>> = {
  reconcile:
    'Exit codes: 0 nothing to do or done, 1 error, 2 changes pending (--dry-run, plan), 3 something failed or is held.',
  alert: 'It is sent as you, from this process: no daemon is needed, and what the daemon may read you may not.',
};

/** Examples stand below the help of every command; below that of all, the first of each. */
export function addExamples(top: Command): void {
  for (const command of [top, ...top.commands])
    command.addHelpText('after', () => helpText(command === top ? firsts() : EXAMPLES[command.name()], command.name()));
}

function firsts(): readonly Example[] {
  const { reconcile = [], ...others } = EXAMPLES;
  return [...reconcile, ...Object.values(others).flatMap(([first]) => (first === undefined ? [] : [first]))];
}

/** Behind longer lines it stands below. */
const WIDEST = 38;

function helpText(examples: readonly Example[] = [], command: string): string {
  const widest = Math.max(0, ...examples.map(([line]) => line.length).filter((length) => length <= WIDEST));
  const lines = examples.map(([line, what]) =>
    line.length > widest ? `  ${line}\n${' '.repeat(widest + 4)}${what}\n` : `  ${line.padEnd(widest)}  ${what}\n`,
  );
  const notes = NOTES[command];
  const text = `${lines.length === 0 ? '' : `\nExamples:\n${lines.join('')}`}${notes === undefined ? '' : `\n${notes}\n`}`;
  // It is followed by a line's end anyway.
  return text.slice(0, -1);
}
