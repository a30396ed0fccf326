import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import { readIfThere, writeAtomic } from '../host/files.ts';
import type { Problem } from '../problem.ts';
import type { Remote } from './remote.ts';

/** The commit that was taken last: all that comes with it was trusted. What comes next is measured against it. */
export interface Taken {
  readonly commit: string;
  /** ms since the epoch. */
  readonly at: number;
}

const decisionFile = (stateDir: string) => join(stateDir, 'decisions', 'git.json');

/** Of a source, by its stable path. Fails where it is damaged: then nobody knows what may follow. */
export function readTaken(stateDir: string, source: string): Taken | undefined {
  return readDecision(decisionFile(stateDir), isSaved)?.sources[source];
}

export function saveTaken(stateDir: string, source: string, taken: Taken): void {
  const before = readDecision(decisionFile(stateDir), isSaved);
  if (before?.sources[source]?.commit === taken.commit) return;
  mkdirSync(join(stateDir, 'decisions'), { recursive: true, mode: 0o700 });
  writeDecision(decisionFile(stateDir), { version: 1, sources: { ...before?.sources, [source]: taken } });
}

interface Saved {
  readonly version: 1;
  readonly sources: Readonly<Record<string, Taken>>;
}

const isSaved = (value: unknown): value is Saved =>
  isObject(value) &&
  value.version === 1 &&
  isObject(value.sources) &&
  Object.values(value.sources).every(
    (taken) =>
      isObject(taken) &&
      typeof taken.commit === 'string' &&
      /^[0-9a-f]{40,64}$/.test(taken.commit) &&
      typeof taken.at === 'number',
  );

/** What was seen of a repository, for people: nothing depends on it. */
export interface Seen {
  readonly version: 1;
  /** When it was last heard of (ms since the epoch). */
  readonly at?: number;
  /** What the remote's ref was at then, as it says it. */
  readonly ref?: string;
  /** The commit that was taken last. */
  readonly taken?: { readonly commit: string; readonly subject: string; readonly author: string };
  /** It can't be heard of since then. */
  readonly trouble?: { readonly problem: Problem; readonly since: number };
  /** A commit that was not taken. */
  readonly refused?: { readonly commit: string; readonly problem: Problem; readonly since: number };
}

const seenFile = ({ folder }: Pick<Remote, 'folder'>) => join(folder, 'seen.json');

/** What a full disk did not take: known to who saw it, until it does. */
const unsaved = new Map<string, Seen>();

export function readSeen(remote: Pick<Remote, 'folder'>): Seen {
  const known = unsaved.get(remote.folder);
  if (known !== undefined) return known;
  try {
    const value: unknown = JSON.parse(readIfThere(seenFile(remote)) ?? '{}');
    return isObject(value) && value.version === 1 ? (value as unknown as Seen) : { version: 1 };
  } catch {
    return { version: 1 };
  }
}

export function saveSeen(remote: Pick<Remote, 'folder'>, seen: Seen): void {
  try {
    writeAtomic(seenFile(remote), JSON.stringify(seen));
    unsaved.delete(remote.folder);
  } catch {
    unsaved.set(remote.folder, seen);
  }
}
