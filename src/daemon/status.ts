import type { Config } from '../config.ts';
import { holdsByDuel, recordedDuels } from '../handover/duels.ts';
import { leftTexts } from '../left.ts';
import type { Desired, Observed, ServiceId, Status } from '../model.ts';
import type { Problem } from '../problem.ts';
import { healthOfAll, statusOf } from '../status.ts';
import { statusNotes } from '../status-notes.ts';
import type { Alerting } from './alerting.ts';
import { invalidNotes } from './invalid.ts';
import type { Wellness } from './wellness.ts';

export interface StatusMeans {
  readonly observe: (desired: Desired) => Promise<Observed>;
  readonly wellness: Wellness;
  readonly alerting: Pick<Alerting, 'notes'>;
  /** Why what Git says is not in force, where it is invalid. */
  readonly invalid: () => readonly Problem[];
  /** What services wait for. */
  readonly left: () => ReadonlyMap<ServiceId, string>;
}

/** What a daemon knows of everything: looked at anew, with what is kept on this host and what its probes say. */
export async function statusNow(
  { stateDir, ...config }: Config,
  desired: Desired,
  { observe, wellness, alerting, invalid, left: waiting }: StatusMeans,
): Promise<Status> {
  const observed = await observe(desired);
  wellness.see(desired, observed);
  const health = { stateOf: wellness.stateOf, board: wellness.board };
  const left = new Map([...waiting(), ...leftTexts(stateDir, desired.services, Date.now())]);
  const services = statusOf(desired, observed, health, left, holdsByDuel(recordedDuels(stateDir)));
  const notes = await statusNotes({ stateDir, ...config }, desired);
  return {
    notes: [...notes, ...alerting.notes(), ...invalidNotes(invalid(), notes)],
    ...healthOfAll(health),
    services,
  };
}
