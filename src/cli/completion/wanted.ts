import type { Command, Option } from 'commander';
import type { Options } from '../context.ts';
import { brief, usableOptions, visibleCommands } from '../visible.ts';

/** A word that could stand where the cursor is, and what it means, in a few words. */
export type Candidate = readonly [word: string, what: string];

/** What could stand there. Names of services and groups, and their fields, are for others to know; files and folders for the shell. */
export type Wanted =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  | { readonly kind: 'names' }
  /** `NAME.FIELD`, and where it is set, `=VALUE`. */
  | { readonly kind: 'fields'; readonly set: boolean }
  | { readonly kind: 'files' }
  | { readonly kind: 'folders' }
  | { readonly kind: 'nothing' };

export interface Completion {
  readonly wanted: Wanted;
  /** What the word has to begin with, and what of it stays as it is (`--config=`). */
  readonly partial: string;
  readonly head: string;
  /** What the words before it say, as far as it changes what there is to name. */
  readonly options: Options;
}

/** Options whose value is a service or a group. */
const NAMES: ReadonlySet<string> = new Set(['--only', '--restarts']);
/** Arguments that are one of a few words. */
const WORDS: Readonly<Record<string, readonly Candidate[]>> = {
  'hook what': [
    ['install', 'a push or commit tells the daemon at once'],
    ['remove', 'no more'],
  ],
  'signal signal': ['HUP', 'INT', 'QUIT', 'TERM', 'KILL', 'USR1', 'USR2', 'WINCH', 'CONT', 'STOP'].map((name) => [
    name,
    '',
  ]),
  'alert what': [['test', 'send a test alert']],
  'completion shell': [
    ['bash', ''],
    ['zsh', ''],
    ['fish', ''],
  ],
};
/** Arguments that are a service or a group, whatever they are called. */
const ARE_NAMES: ReadonlySet<string> = new Set(['who what']);
const NOT_NAMES: ReadonlySet<string> = new Set(['alert name', 'import name']);

/** What could stand in the place of the last of these words, that come after the program's own. */
export function completionOf(top: Command, words: readonly string[]): Completion {
  const last = words.at(-1) ?? '';
  let command = top;
  let option: Option | undefined;
  let isOver = false;
  let place = 0;
  const options: Record<string, string> = {};
  for (const word of words.slice(0, -1)) {
    const isOption = !isOver && word.startsWith('-') && word !== '-';
    if (option !== undefined && !isOption) {
      options[option.attributeName()] = word;
      if (!option.variadic) option = undefined;
    } else if (isOption) {
      isOver = word === '--';
      const [name = '', value] = splitOption(word);
      option = find(top, command, name);
      if (option !== undefined && value !== undefined) options[option.attributeName()] = value;
      if (value !== undefined || !option?.required) option = undefined;
    } else {
      const named = command === top ? top.commands.find((one) => one.name() === word) : undefined;
      if (named === undefined) place += 1;
      else command = named;
    }
  }
  const completion = (wanted: Wanted, partial = last, head = ''): Completion => ({ wanted, partial, head, options });
  if (!isOver && last.startsWith('-')) {
    const [name = '', value] = splitOption(last);
    if (value === undefined) return completion({ kind: 'words', words: optionWords(top, command) });
    const given = find(top, command, name);
    return completion(given === undefined ? { kind: 'nothing' } : valuesOf(given), value, `${name}=`);
  }
  if (option !== undefined) return completion(valuesOf(option));
  if (command === top) {
    const words = visibleCommands(top).map((one): Candidate => [one.name(), brief(one.description())]);
    return completion(place === 0 ? { kind: 'words', words } : { kind: 'nothing' });
  }
  return completion(argumentOf(command, place));
}

/** The option and the value of `--config=x`. */
function splitOption(word: string): readonly [string, string?] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

function find(top: Command, command: Command, name: string): Option | undefined {
  return [...command.options, ...top.options].find(({ short, long }) => short === name || long === name);
}

function optionWords(top: Command, command: Command): readonly Candidate[] {
  return usableOptions(top, command).flatMap(({ long, description }): readonly Candidate[] =>
    long === undefined || long === null ? [] : [[long, brief(description)]],
  );
}

function valuesOf({ long, flags }: Option): Wanted {
  if (NAMES.has(long ?? '')) return { kind: 'names' };
  if (flags.includes('<file>')) return { kind: 'files' };
  return { kind: flags.includes('<dir>') ? 'folders' : 'nothing' };
}

function argumentOf(command: Command, place: number): Wanted {
  const all = command.registeredArguments;
  const last = all.at(-1);
  const argument = all[place] ?? (last?.variadic ? last : undefined);
  if (argument === undefined) return { kind: 'nothing' };
  const key = `${command.name()} ${argument.name()}`;
  if (WORDS[key] !== undefined) return { kind: 'words', words: WORDS[key] };
  if (argument.argChoices !== undefined)
    return { kind: 'words', words: argument.argChoices.map((word): Candidate => [word, '']) };
  if (argument.name().startsWith('name.field')) return { kind: 'fields', set: argument.name().includes('=') };
  if (ARE_NAMES.has(key) || (argument.name() === 'name' && !NOT_NAMES.has(key))) return { kind: 'names' };
  if (/^(file|path)s?$/.test(argument.name())) return { kind: 'files' };
  return { kind: /^(dir|folder|repository)$/.test(argument.name()) ? 'folders' : 'nothing' };
}
