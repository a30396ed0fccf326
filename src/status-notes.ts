import type { Config } from './config.ts';
import type { Desired, StatusNote } from './model.ts';
import { verifyNotes } from './verify/notes.ts';

/** What is worth a line above the table of `reconcile status`, from what is kept on this host: needs no daemon. */
export function statusNotes(config: Config, desired: Desired): readonly StatusNote[] {
  return [...verifyNotes(config, desired)];
}
