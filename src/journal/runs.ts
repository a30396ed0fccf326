import { type History, readJournal } from './read.ts';

export interface Wanted {
  /** Of these alone; none: of all. */
  readonly services: readonly string[];
  /** ms since the epoch; from then on. */
  readonly since?: number | undefined;
  readonly limit: number;
}

/** What is recorded of services, or of all, comes with what caused the runs that it is part of. */
export function withRuns(stateDir: string, { services, since, limit }: Wanted): History | undefined {
  const own = readJournal(stateDir, { services, limit, ...(since === undefined ? {} : { since }) });
  if (own === undefined) return undefined;
  const known = new Set(own.entries.map(({ id }) => id));
  const runs = [...new Set(own.entries.flatMap(({ run }) => run ?? []))];
  if (runs.length === 0) return own;
  const heads = (readJournal(stateDir, { runs, kind: 'planned', limit: runs.length })?.entries ?? []).filter(
    ({ id }) => !known.has(id),
  );
  return { ...own, entries: [...own.entries, ...heads].sort((a, b) => a.id - b.id) };
}
