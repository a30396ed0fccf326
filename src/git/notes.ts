import type { Desired, StatusNote } from '../model.ts';
import { formatDuration } from '../units.ts';
import { repositoryOf } from './commits.ts';
import { readSeen, type Seen } from './remember.ts';
import type { Place, Remote } from './remote.ts';
import { shownUrl } from './run.ts';

/**
 * Where the desired state comes from, for the lines above a status: the commit, and what is wrong with the repository since
 * when. Nothing of a directory whose files are read as they are.
 */
export function sourceNotes(place: Place, { revision, policy }: Desired, now = Date.now()): readonly StatusNote[] {
  if (place.git === undefined && place.trust === undefined && policy.written.worktree !== 'committed-only') return [];
  const remote = readOf(place);
  if (remote === undefined) return [];
  const seen = readSeen(remote);
  if (seen.taken === undefined && seen.trouble === undefined && seen.refused === undefined) return [];
  return notesOf(remote, seen, revision.commit, now);
}

/** The same of what was read. Pure. */
export function notesOf(remote: Remote, seen: Seen, inForce: string | undefined, now: number): readonly StatusNote[] {
  const { taken, trouble, refused, at } = seen;
  const notes: StatusNote[] = [];
  const since = (then: number) => formatDuration(Math.max(1000, Math.round((now - then) / 1000) * 1000));
  if (taken !== undefined) {
    const of = `${shownUrl(remote)}${remote.ref === undefined ? '' : ` ${remote.ref}`}`;
    const heard = at === undefined ? '' : `, looked at ${since(at)} ago`;
    const other = inForce === undefined || inForce === taken.commit ? '' : `; ${inForce.slice(0, 12)} is in force`;
    notes.push({
      kind: 'source',
      ok: other === '',
      text: `${of}: ${taken.commit.slice(0, 12)} ${taken.subject} (${taken.author})${heard}${other}`,
    });
  }
  for (const bad of [trouble, refused]) {
    if (bad === undefined) continue;
    const { summary, hint } = bad.problem;
    notes.push({
      kind: 'source',
      ok: false,
      text: `${summary}, for ${since(bad.since)}${hint === undefined ? '' : ` (${hint})`}`,
    });
  }
  return notes;
}

/** That a repository can't be used is told by what reads it. */
function readOf(place: Place): Remote | undefined {
  try {
    return repositoryOf(place);
  } catch {
    return undefined;
  }
}
