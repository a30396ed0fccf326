import type { Config } from './config.ts';
import { controlNotes } from './control/notes.ts';
import { sourceNotes } from './git/notes.ts';
import type { Desired, StatusNote } from './model.ts';
import { Failure } from './problem.ts';
import { verifyNotes } from './verify/notes.ts';

/** What is worth a line above the table of `reconcile status`, from what is kept on this host: needs no daemon. */
export async function statusNotes(config: Config, desired: Desired): Promise<readonly StatusNote[]> {
  const all = [sourceNotes, verifyNotes, controlNotes].map((notes) => told(() => notes(config, desired)));
  return (await Promise.all(all)).flat();
}

/** What can't be read is a line of its own: a status is wanted most when something is wrong. */
async function told(
  read: () => readonly StatusNote[] | Promise<readonly StatusNote[]>,
): Promise<readonly StatusNote[]> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.problems.map(({ summary }) => ({ kind: 'invalid', ok: false, text: summary }));
  }
}
