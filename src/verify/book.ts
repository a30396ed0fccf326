import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import type { Revision, ServiceId } from '../model.ts';
import { isSameRevision, type Quarantine } from './quarantine.ts';

/** What has to be shown of a changed service, as far as it has been. See machine.ts. */
export type Trial = {
  /** Of what is tried. */
  readonly digest: string;
  /** It was not there before. */
  readonly fresh?: true;
  /** The revision that changed it, as text; absent where an older version wrote this. Git may be at another by now. */
  readonly by?: string;
} & (
  | { readonly phase: 'applying' }
  /** `since`: ms since the epoch, in the boot with that id. `pid`: as soon as it is known. */
  | { readonly phase: 'soaking'; readonly since: number; readonly boot: string; readonly pid?: number }
  | { readonly phase: 'failed'; readonly at: number; readonly why: string }
);

/** All that is kept of verification, in one file: whatever interrupts, it is as before or as after. */
export interface Book {
  readonly version: 1;
  readonly trials: Readonly<Record<ServiceId, Trial>>;
  readonly quarantine?: Quarantine;
  /** The commits that were in force and of which everything stayed well, the last one last. */
  readonly history: readonly Revision[];
}

export const EMPTY: Book = { version: 1, trials: {}, history: [] };

/** So many commits are remembered. */
const HISTORY = 20;

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'verification.json');

export function readBook(stateDir: string): Book {
  return readDecision(fileOf(stateDir), isBook) ?? EMPTY;
}

/** Writes it where it has changed. */
export function saveBook(stateDir: string, before: Book, after: Book): void {
  if (before !== after && JSON.stringify(before) !== JSON.stringify(after)) writeDecision(fileOf(stateDir), after);
}

/** Without what was decided of another revision. */
export function withoutOther(book: Book, revision: Revision): Book {
  if (book.quarantine === undefined || isSameRevision(book.quarantine.of, revision)) return book;
  return withoutQuarantine(book);
}

export function withoutQuarantine({ quarantine: _, ...book }: Book): Book {
  return book;
}

/** It has to be started first, or anew. */
export function waiting(trial: Trial): Trial {
  return { ...aboutTrial(trial), phase: 'applying' };
}

/** What is tried, whatever its phase. */
export function aboutTrial({ digest, fresh, by }: Trial): Pick<Trial, 'digest' | 'fresh' | 'by'> {
  return { digest, ...(fresh ? { fresh } : {}), ...(by === undefined ? {} : { by }) };
}

export function withTrial(book: Book, id: ServiceId, trial: Trial | undefined): Book {
  return withTrials(book, new Map([[id, trial]]));
}

/** All at once: a thousand one by one would each copy a thousand. */
export function withTrials(book: Book, trials: ReadonlyMap<ServiceId, Trial | undefined>): Book {
  if (trials.size === 0) return book;
  const all = new Map<ServiceId, Trial>(Object.entries(book.trials));
  for (const [id, trial] of trials) {
    if (trial === undefined) all.delete(id);
    else all.set(id, trial);
  }
  return { ...book, trials: Object.fromEntries(all) };
}

/** Nothing is tried, and nothing failed. */
export function isCalm({ trials, quarantine }: Book): boolean {
  return Object.keys(trials).length === 0 && quarantine === undefined;
}

/** Everything of a commit stayed well: it is what one can go back to. */
export function withProven(book: Book, revision: Revision): Book {
  const { commit } = revision;
  if (commit === undefined || revision.dirty || book.history.at(-1)?.commit === commit) return book;
  const others = book.history.filter((one) => one.commit !== commit);
  return { ...book, history: [...others, { content: revision.content, commit }].slice(-HISTORY) };
}

const isBook = (value: unknown): value is Book =>
  isObject(value) &&
  value.version === 1 &&
  isObject(value.trials) &&
  Object.values(value.trials).every(isTrial) &&
  (value.quarantine === undefined || isQuarantine(value.quarantine)) &&
  Array.isArray(value.history) &&
  value.history.every(isRevision);

const isTrial = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.digest === 'string' &&
  (value.by === undefined || typeof value.by === 'string') &&
  (value.phase === 'applying' ||
    (value.phase === 'soaking' && typeof value.since === 'number' && typeof value.boot === 'string') ||
    (value.phase === 'failed' && typeof value.why === 'string'));

const isRevision = (value: unknown): value is Revision => isObject(value) && typeof value.content === 'string';

const isQuarantine = (value: unknown): boolean =>
  isObject(value) &&
  isRevision(value.of) &&
  (value.by === 'verify' || value.by === 'person') &&
  isObject(value.services) &&
  Object.values(value.services).every(
    (one) =>
      isObject(one) &&
      typeof one.why === 'string' &&
      typeof one.at === 'number' &&
      (one.to === 'absent' ||
        one.to === 'as-git' ||
        (isObject(one.to) && typeof one.to.id === 'string' && isObject(one.to.written))),
  );
