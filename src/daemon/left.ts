import type { Marks } from '../marks.ts';
import type { Held, Plan, ServiceId } from '../model.ts';
import type { DaemonEvent } from './event.ts';
import { heldText } from './held-words.ts';

type Reason = Exclude<Held['reason'], { kind: 'drift' }>;

/**
 * Tells of every service that is left as it is though that is not as desired: once, for as long as that is so; all that
 * have one reason at once. `whole`: the plan is about all services; else it says nothing of others.
 */
export function tellLeft(tell: (event: DaemonEvent) => void): Left {
  let told: ReadonlySet<string> = new Set();
  let last: readonly Held[] = [];
  const texts = () =>
    new Map(last.flatMap(({ service, reason }) => (isWaiting(reason) ? [[service, heldText(reason)] as const] : [])));
  const tellOf = (plan: Plan, marks: Marks, whole: boolean) => {
    if (whole) last = plan.held;
    const now = new Set<string>();
    const isNew = (key: string) => {
      now.add(key);
      return !told.has(key);
    };
    const held = new Map<string, { readonly services: ServiceId[]; readonly reason: Reason }>();
    for (const { service, supervisor, reason } of plan.held) {
      // Its own supervisor tells of that when it happens.
      if (supervisor === 'builtin' && (reason.kind === 'fatal' || reason.kind === 'spent')) continue;
      if (reason.kind === 'drift') {
        const { what } = reason;
        const { until, by } = marks[service]?.hold ?? {};
        if (isNew(`${service} ${what} ${until}`)) tell({ kind: 'drift', service, what, until, by: by ?? reason.by });
        continue;
      }
      // A gate says something else each time, and all of it means the same.
      const why = JSON.stringify(reason.kind === 'gate' ? { ...reason, why: '' } : reason);
      if (!isNew(`${service} ${why}`)) continue;
      const same = held.get(why) ?? { services: [], reason };
      same.services.push(service);
      held.set(why, same);
    }
    for (const { services, reason } of held.values()) tell({ kind: 'held', services, reason });
    for (const notice of plan.notices) {
      if (notice.kind !== 'drift') continue;
      const { service, what } = notice;
      if (isNew(`${service} ${what}`)) tell({ kind: 'drift', service, what, until: undefined });
    }
    told = whole ? now : new Set([...told, ...now]);
  };
  return Object.assign(tellOf, { texts });
}

interface Left {
  (plan: Plan, marks: Marks, whole: boolean): void;
  /** What waits for something by the last plan of all, and for what: what else is left alone, its status says by itself. */
  texts(): ReadonlyMap<ServiceId, string>;
}

const WAITING = [
  'approval',
  'blocked',
  'frozen',
  'gate',
  'handover',
  'needs',
  'neighbours',
  'pool',
  'reversed',
  'stopped-for',
  'stray',
  'unavailable',
  'window',
] as const;

function isWaiting(reason: Held['reason']): reason is Extract<Held['reason'], { kind: (typeof WAITING)[number] }> {
  return (WAITING as readonly string[]).includes(reason.kind);
}
