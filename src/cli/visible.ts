import type { Command, Option } from 'commander';
import { isUsed } from './flags.ts';

/** The commands that people see. */
export function visibleCommands(top: Command): readonly Command[] {
  const shown = top.createHelp().visibleCommands(top);
  return top.commands.filter((command) => shown.includes(command));
}

/** The options that a command takes: its own, then those of all that it has a use for. */
export function usableOptions(top: Command, command: Command): readonly Option[] {
  const own = command.createHelp().visibleOptions(command);
  return command === top ? own : [...own, ...globalOptions(top, command)];
}

/** Those of all commands that one has a use for. */
export function globalOptions(top: Command, command: Command): readonly Option[] {
  return top.options.filter((option) => !option.hidden && isUsed(command.name(), option.attributeName()));
}

/** Of a description what comes before the details, and behind how it is called. */
export function brief(description: string): string {
  const [, text = description] = /^`[^`]*`: (.*)$/s.exec(description) ?? [];
  return text.split(/[;:(]/, 1)[0]?.trim() ?? '';
}
