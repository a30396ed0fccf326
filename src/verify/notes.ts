import type { Config } from '../config.ts';
import type { Desired, ServiceId, StatusNote } from '../model.ts';
import { formatRevision } from '../revision.ts';
import { readBook } from './book.ts';
import { digestOf } from './digest.ts';
import { soakOf } from './machine.ts';
import { isSameRevision } from './quarantine.ts';

/** How many services are named of many. */
const NAMED = 5;

/** What is quarantined, and what still has to show that it stays well. */
export function verifyNotes({ stateDir }: Pick<Config, 'stateDir'>, desired: Desired): readonly StatusNote[] {
  const { quarantine, trials } = readBook(stateDir);
  const notes: StatusNote[] = [];
  if (quarantine !== undefined && isSameRevision(quarantine.of, desired.revision)) {
    const of = formatRevision(quarantine.of);
    // One line for each reason: a person's is the same for all.
    for (const [why, entries] of Map.groupBy(Object.entries(quarantine.services), ([, entry]) => entry.why)) {
      const names = listed(entries.map(([id]) => id));
      const text = `${of} is quarantined for ${names}: ${why}; the next commit is tried, or this one again: reconcile retry`;
      notes.push({ kind: 'quarantine', ok: false, text });
    }
  }
  const watched = desired.services.flatMap((service) => {
    const trial = trials[service.id];
    if (trial?.phase !== 'soaking' || trial.digest !== digestOf(service)) return [];
    return [{ id: service.id, until: trial.since + soakOf(service, desired) }];
  });
  if (watched.length > 0) {
    const until = new Date(Math.max(...watched.map((one) => one.until))).toISOString().replace(/\.[0-9]+Z$/, 'Z');
    const text = `${listed(watched.map(({ id }) => id))}: changed, watched until ${until} whether it stays well`;
    notes.push({ kind: 'verification', ok: true, text });
  }
  return notes;
}

function listed(ids: readonly ServiceId[]): string {
  const more = ids.length - NAMED;
  return `${ids.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
