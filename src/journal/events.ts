import type { Entry } from './entry.ts';
import { followJournal, newestId } from './follow.ts';
import { type History, isOf, readJournal } from './read.ts';
import { type Wanted, withRuns } from './runs.ts';

export interface EventsWanted extends Partial<Wanted> {
  /** What came after this id, the oldest first; what `since` says plays no part then. */
  readonly after?: number | undefined;
}

export interface Events {
  /** What there is already; undefined where there is no journal. */
  readonly past: History | undefined;
  /** And all that comes. */
  readonly next: (signal: AbortSignal) => AsyncIterable<readonly Entry[]>;
  /** What of it is wanted. */
  readonly choose: (entries: readonly Entry[]) => readonly Entry[];
}

/** What happened, then what happens; of some services alone with what caused the runs that it is part of. */
export function readEvents(stateDir: string, wanted: EventsWanted): Events {
  const { services = [], since, limit = 0, after } = wanted;
  const before = newestId(stateDir);
  const past =
    after === undefined
      ? withRuns(stateDir, { services, since, limit })
      : readJournal(stateDir, { services, after, limit });
  const newest = past?.entries.at(-1)?.id;
  const last = after === undefined ? Math.max(before, newest ?? 0) : (newest ?? after);
  return { past, next: (signal) => followJournal(stateDir, last, signal), choose: chooser(services) };
}

/** Those of some services; what caused a run comes before the first of them that is part of it. */
export function chooser(services: readonly string[]): (entries: readonly Entry[]) => readonly Entry[] {
  if (services.length === 0) return (entries) => entries;
  let head: Entry | undefined;
  return (entries) =>
    entries.flatMap((entry) => {
      if (entry.kind === 'planned') head = entry;
      if (!isOf(entry, services)) return [];
      if (head === undefined || head.run !== entry.run) return [entry];
      const first = head;
      head = undefined;
      return [first, entry];
    });
}
