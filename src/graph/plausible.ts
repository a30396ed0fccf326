import { familyOf } from './command.ts';
import type { Declared } from './declared.ts';

/**
 * Those services of many that any of these command lines could be about at all: with a word in common that is no
 * interpreter's name. Cheap: to take a command apart costs far more.
 */
export function plausible(services: readonly Declared[], lines: Iterable<readonly string[]>): readonly Declared[] {
  const words = new Set<string>();
  for (const argv of lines) for (const word of telling(wordsIn(argv))) words.add(word);
  return services.filter(({ command }) => command === undefined || wordsIn(command).some((word) => words.has(word)));
}

/** The last parts of all paths and words in a command line. */
function wordsIn(argv: readonly string[]): readonly string[] {
  return argv.flatMap((word) => word.split(/[\s"';&|]+/)).map((word) => word.slice(word.lastIndexOf('/') + 1));
}

/** Without interpreters, unless there is nothing else. */
function telling(words: readonly string[]): readonly string[] {
  const others = words.filter((word) => word !== '' && familyOf(word) === undefined);
  return others.length > 0 ? others : words;
}
