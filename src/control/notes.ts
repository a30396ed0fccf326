import type { Config } from '../config.ts';
import type { Desired, StatusNote } from '../model.ts';
import { Failure } from '../problem.ts';
import { breakerAt } from '../restarts/breaker.ts';
import { budgetsOf } from '../restarts/budgets.ts';
import { readBreaker } from '../restarts/decision.ts';
import { type Freeze, readFreezes } from './freeze.ts';

/** Of freezes, change windows and `mode: observe`, what is worth a line above the table of status. */
export async function controlNotes({ stateDir }: Config, desired: Desired): Promise<readonly StatusNote[]> {
  const { policy } = desired;
  const now = Date.now();
  const { mode, windows } = policy.written;
  const observes: StatusNote[] =
    mode === 'observe' ? [{ kind: 'mode', ok: true, text: '`mode: observe`: changes are told, and none is made' }] : [];
  const notes = [...observes, ...breakerNotes(stateDir, desired, now), ...freezeNotes(stateDir, now)];
  if (windows === undefined) return notes;
  const { openWindows } = await import('./windows.ts');
  // Of those that are about everything: a service by itself is told of in the plan.
  const shut = openWindows(windows, now).shut({ name: '' });
  if (shut === undefined) return notes;
  const until = shut.until === undefined ? '' : ` until ${time(shut.until)}`;
  return [...notes, { kind: 'window', ok: true, text: `changes wait${until}: ${shut.why}` }];
}

function breakerNotes(stateDir: string, desired: Desired, now: number): readonly StatusNote[] {
  const breaker = breakerAt(readBreaker(stateDir), budgetsOf(desired).cooldown, now);
  if (breaker.kind === 'closed') return [];
  const { kind, until, why } = breaker;
  const what =
    kind === 'open'
      ? `this host is only observed until ${time(until)}, and nothing is restarted; to go on at once: reconcile release --breaker`
      : `changes and restarts go on, on trial until ${time(until)}`;
  return [{ kind: 'breaker', ok: false, text: `${what}: ${why}` }];
}

/** A status is wanted most where something is wrong: what can't be read is told, and the rest as well. */
function freezeNotes(stateDir: string, now: number): readonly StatusNote[] {
  try {
    return readFreezes(stateDir, now).map(freezeNote);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.problems.map(({ summary }): StatusNote => ({ kind: 'freeze', ok: false, text: summary }));
  }
}

function freezeNote({ name, by, why, until }: Freeze): StatusNote {
  const what = name === '*' ? 'everything is' : `${name} is`;
  const end = until === undefined ? ', until `reconcile unfreeze`' : ` until ${time(until)}`;
  // What never ends by itself is easily forgotten.
  return { kind: 'freeze', ok: until !== undefined, text: `${what} frozen by ${by}${end}: ${why}` };
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
