import type { Instance } from '../instance.ts';
import type { Desired, QuarantineHold, Revision, Service, ServiceId } from '../model.ts';
import { formatRevision } from '../revision.ts';
import { withPools } from './pools.ts';

/** A revision of which some services are not applied, until Git is at another or a person says so. */
export interface Quarantine {
  readonly of: Revision;
  /** ms since the epoch. */
  readonly at: number;
  readonly by: 'verify' | 'person';
  readonly services: Readonly<Record<ServiceId, Quarantined>>;
}

export interface Quarantined {
  /** What it is instead; `as-git`: what Git says, and left alone as it is. */
  readonly to: Service | 'absent' | 'as-git';
  /** The supervisord that it runs, as it was then. */
  readonly instance?: Instance;
  /** The revision it is as of, as text. */
  readonly revision?: string;
  readonly why: string;
  /** ms since the epoch. */
  readonly at: number;
  /** Nothing more is done to it. */
  readonly left?: true;
}

/** That git can't be asked for a moment is no new commit: then the files alone tell. */
export function isSameRevision(a: Revision, b: Revision): boolean {
  if (a.content !== b.content) return false;
  return a.commit === undefined || b.commit === undefined || a.commit === b.commit;
}

/**
 * The desired state with what is quarantined as it was before: all that plans, applies or shows it sees the same. What of
 * it is quarantined for another revision is no matter. Pure.
 */
export function withQuarantine(desired: Desired, quarantine: Quarantine | undefined): Desired {
  if (quarantine === undefined || !isSameRevision(quarantine.of, desired.revision)) return desired;
  if (Object.keys(quarantine.services).length === 0) return desired;
  const git = desired.git ?? desired;
  const declared = new Map(git.services.map((service) => [service.id, service]));
  const entries = withPools(quarantine.services, declared);
  const services = new Map(declared);
  const quarantined = new Map<ServiceId, QuarantineHold>();
  const runners = new Map<string, Instance>();
  for (const [id, entry] of Object.entries(entries)) {
    const service = serviceOf(entry.to, declared.get(id));
    // What Git has no more of is not there, and nothing is to be said of it.
    if (service === undefined) continue;
    services.set(id, service);
    if (entry.instance !== undefined) runners.set(entry.instance.supervisor, entry.instance);
    quarantined.set(id, holdOf(entry, quarantine));
  }
  const names = new Set([...services.values()].map(({ name }) => name));
  const kept = git.instances.map((instance) => runners.get(instance.supervisor) ?? instance);
  const known = new Set(kept.map(({ supervisor }) => supervisor));
  const added = [...runners.values()].filter(({ supervisor }) => !known.has(supervisor));
  return {
    ...desired,
    services: [...services.values()]
      .map((service) => (quarantined.has(service.id) ? afterKnown(service, names, services) : service))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    instances: [...kept, ...added].sort((a, b) => (a.name < b.name ? -1 : 1)),
    quarantined,
    git: { services: git.services, instances: git.instances },
    // Where it was written is not where it is written now.
    locate: (id, path) => (quarantined.has(id) ? undefined : desired.locate(id, path)),
  };
}

function serviceOf(to: Quarantined['to'], declared: Service | undefined): Service | undefined {
  if (to === 'as-git') return declared;
  if (to !== 'absent') return to;
  if (declared === undefined) return undefined;
  const { files: _, folders: __, ...bare } = declared;
  return { ...bare, state: 'absent', autostart: false };
}

function holdOf({ revision, why, at, left }: Quarantined, { of }: Quarantine): QuarantineHold {
  return {
    kind: 'quarantined',
    commit: formatRevision(of),
    ...(revision === undefined ? {} : { to: revision }),
    why,
    at,
    ...(left ? { left } : {}),
  };
}

/** What it was after then may be gone since. */
function afterKnown(service: Service, names: ReadonlySet<string>, services: ReadonlyMap<ServiceId, Service>): Service {
  const { after, afterIds } = service;
  if (after.every((name) => names.has(name))) return service;
  return {
    ...service,
    after: after.filter((name) => names.has(name)),
    ...(afterIds === undefined ? {} : { afterIds: afterIds.filter((id) => services.has(id)) }),
  };
}
