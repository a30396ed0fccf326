import type { Config } from './config.ts';
import { controlNotes } from './control/notes.ts';
import { sourceNotes } from './git/notes.ts';
import type { Desired, StatusNote } from './model.ts';
import { verifyNotes } from './verify/notes.ts';

/** What is worth a line above the table of `reconcile status`, from what is kept on this host: needs no daemon. */
export async function statusNotes(config: Config, desired: Desired): Promise<readonly StatusNote[]> {
  return [...sourceNotes(config, desired), ...verifyNotes(config, desired), ...(await controlNotes(config, desired))];
}
