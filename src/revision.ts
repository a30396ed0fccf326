import type { Desired, Revision, ServiceId } from './model.ts';

/** `1a2b3c4d5e6f`, with `+changes` where the working tree differs, or `content:…` where no commit is known. */
export function formatRevision(revision: Revision): string {
  if (revision.commit === undefined) return `content:${revision.content.slice(0, 12)}`;
  return `${revision.commit.slice(0, 12)}${revision.dirty ? '+changes' : ''}`;
}

/** The revision that a service is made from: of what was put back, the one that it was put back to. */
export function revisionOf({ revision, quarantined }: Desired, id: ServiceId): string {
  const { to, left } = quarantined?.get(id) ?? {};
  return to === undefined || left === true ? formatRevision(revision) : to;
}
