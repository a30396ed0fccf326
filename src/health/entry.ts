import type { Actual, Cause, Level, Observed, Service, ServiceId, UnreadableObject } from '../model.ts';
import { type Blame, failingText, type Known } from './cause.ts';
import type { ProbeState } from './health.ts';
import { type Found, type Life, lifeOf, NONE, type Standing } from './level.ts';

/** What a board keeps of a service. */
export interface Entry extends Known {
  service: Service;
  /** ms. */
  dwell: number;
  life: Life;
  standing: Standing;
  level: Level | undefined;
  probes: readonly ProbeState[];
  blame: Blame | undefined;
  unfitSince: number | undefined;
  cause: Cause | undefined;
}

export const NEW: Omit<Entry, 'service'> = {
  dwell: 0,
  life: { kind: 'between' },
  standing: NONE,
  level: undefined,
  probes: [],
  blame: undefined,
  unfitSince: undefined,
  cause: undefined,
};

/** Where a service is: under its own supervisor, or, while it is handed over, still under another. */
export function foundIn(observed: Observed): (service: Service) => Found {
  const own = new Map<string, ReadonlyMap<ServiceId, Actual | UnreadableObject> | 'unread'>();
  const elsewhere = new Map<ServiceId, Actual>();
  for (const [name, reading] of observed) {
    const objects = reading.kind === 'read' ? reading.objects : [];
    own.set(name, reading.kind === 'read' ? new Map(objects.map((object) => [object.id, object])) : 'unread');
    for (const object of objects) {
      if (object.kind === 'actual' && object.owner.kind === 'ours') elsewhere.set(object.id, object);
    }
  }
  return ({ id, supervisor }) => {
    const objects = own.get(supervisor) ?? 'unread';
    return objects === 'unread' ? 'unread' : (objects.get(id) ?? elsewhere.get(id));
  };
}

export function lifeSeen(service: Service, found: Found, isOpen: boolean): Life {
  const life = lifeOf(service, found);
  return isOpen && life.kind === 'down' ? { kind: 'between' } : life;
}

/** To have no level is as good as to be well. */
export function isNews(from: Level | undefined, to: Level | undefined): boolean {
  return (from ?? 'HEALTHY') !== (to ?? 'HEALTHY');
}

/** What made its level what it is. */
export function whyOf({ life, level, cause, probes }: Entry): string | undefined {
  if (level === undefined || level === 'HEALTHY') return undefined;
  if (life.kind === 'down') return life.why;
  return cause === undefined ? failingText(probes) : `waiting for ${cause.on}: ${cause.why}`;
}

/** How many are named where one thing is said of several. */
const NAMED = 5;

export function listText(ids: readonly ServiceId[]): string {
  const more = ids.length - NAMED;
  return `${ids.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
