import { constants } from 'node:os';
import type { Exit } from '../../model.ts';
import { unreachable } from '../../problem.ts';

const NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** What a shell reports as `$?`: 128 + n stands for signal n (and for an exit with that code: nobody can tell). */
export function exitOf(status: number): Exit {
  const signal = NAMES.get(status - 128);
  return signal === undefined ? { kind: 'code', code: status } : { kind: 'signal', signal };
}

export const UNKNOWN: Exit = { kind: 'unknown' };

export function exitText(exit: Exit): string {
  switch (exit.kind) {
    case 'code':
      return `exit code ${exit.code}${MEANINGS[exit.code] ?? ''}`;
    case 'signal':
      return `killed by ${exit.signal}`;
    case 'unknown':
      return 'it ended unseen';
    default:
      return unreachable(exit);
  }
}

/** The shell's words for what kept a command from being run. */
const MEANINGS: Readonly<Record<number, string>> = {
  126: ' (the command could not be run)',
  127: ' (the command was not found)',
};
