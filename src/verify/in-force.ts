import type { Config } from '../config.ts';
import type { Desired } from '../model.ts';
import { readBook } from './book.ts';
import { withQuarantine } from './quarantine.ts';

/** What is to be made of what Git says: the same, but for what is quarantined. Fails where that can't be read. */
export function inForce({ stateDir }: Pick<Config, 'stateDir'>, desired: Desired): Desired {
  return withQuarantine(desired, readBook(stateDir).quarantine);
}
