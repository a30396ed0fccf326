import type { Service, ServiceId } from '../model.ts';
import { poolSize } from '../supervisors/supervisord/pool.ts';
import type { Quarantined } from './quarantine.ts';

/**
 * What can only be changed together goes back together: of a pool all instances, those that it had and has no more too.
 * `entries` with theirs, each with the reason of the one that did not stay well.
 */
export function withPools(
  entries: Readonly<Record<ServiceId, Quarantined>>,
  declared: ReadonlyMap<ServiceId, Service>,
): Readonly<Record<ServiceId, Quarantined>> {
  const all: Record<ServiceId, Quarantined> = { ...entries };
  for (const [id, entry] of Object.entries(entries)) {
    const { to } = entry;
    const now = declared.get(id);
    const before = typeof to === 'string' ? undefined : to;
    if (to === 'as-git' || ![now, before].some((one) => one !== undefined && poolSize(one) !== undefined)) continue;
    const name = now?.name ?? before?.name ?? id;
    const count = before?.written.instances ?? 0;
    const add = (number: number, sibling: Quarantined['to']) => {
      all[`${name}@${number}`] ??= { ...entry, to: sibling, why: `${id}: ${entry.why}` };
    };
    for (let number = 1; before !== undefined && number <= count; number += 1)
      add(number, { ...before, id: `${name}@${number}`, instance: number });
    for (const { instance = 0, ...other } of declared.values())
      if (other.name === name && instance > count) add(instance, 'absent');
  }
  return all;
}
