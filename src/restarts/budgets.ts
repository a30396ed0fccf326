import type { Desired, ServiceId } from '../model.ts';
import { parseDuration } from '../units.ts';
import type { Budgets } from './book.ts';
import type { Limit } from './window.ts';

/** What a host may bear at least, and for each of its services, within ten minutes. */
const LEAST = 100;
const EACH = 3;
const WITHIN = 600_000;
const COOLDOWN = 300_000;

/** The budgets of a desired state: of its groups, as far as it has any, and of the host. */
export function budgetsOf({ policy, services }: Pick<Desired, 'policy' | 'services'>): Budgets {
  const { budgets, groups = {} } = policy.written;
  const groupOf = new Map<ServiceId, string>(
    services.flatMap(({ id, group }) => (group === undefined ? [] : [[id, group] as const])),
  );
  const limits = [...new Set(groupOf.values())].flatMap((group): [string, Limit][] => {
    const budget = groups[group]?.budget ?? budgets?.group;
    return budget === undefined ? [] : [[group, limitOf(budget)]];
  });
  const count = services.filter(({ state }) => state !== 'absent').length;
  return {
    groupOf,
    groups: new Map(limits),
    host:
      budgets?.host === undefined ? { restarts: Math.max(LEAST, EACH * count), within: WITHIN } : limitOf(budgets.host),
    cooldown: parseDuration(budgets?.cooldown ?? '') ?? COOLDOWN,
  };
}

/** The schema has checked it. */
function limitOf({ restarts, within }: { readonly restarts: number; readonly within: string }): Limit {
  return { restarts, within: parseDuration(within) ?? WITHIN };
}
