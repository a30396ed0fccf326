import type { Desired, Service, ServiceId } from '../model.ts';
import { poolSize } from '../supervisors/supervisord/pool.ts';
import type { Book } from './book.ts';
import { digestOf } from './digest.ts';
import type { AllProven, Proven } from './proven.ts';
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
    const { revision: _, ...bare } = entry;
    const add = (number: number, sibling: Quarantined['to']) => {
      all[`${name}@${number}`] ??= {
        ...(sibling === 'absent' ? bare : entry),
        to: sibling,
        why: `${id}: ${entry.why}`,
      };
    };
    for (let number = 1; before !== undefined && number <= count; number += 1)
      add(number, { ...before, id: `${name}@${number}`, instance: number });
    for (const { instance = 0, ...other } of declared.values())
      if (other.name === name && instance > count) add(instance, 'absent');
  }
  return all;
}

/**
 * What goes back with one of a pool: the others, to what they were together. Nothing where it is no pool, or all of it is
 * new; undefined where nothing is known that all of them could go back to. `base`: what it was itself.
 */
export function restOfPool(
  service: Service,
  base: Proven | undefined,
  { services }: Desired,
  { trials }: Book,
  proven: AllProven,
  put: (to: Quarantined['to'], from?: Proven) => Quarantined,
): Readonly<Record<ServiceId, Quarantined>> | undefined {
  if (![service, base?.service].some((one) => one !== undefined && poolSize(one) !== undefined)) return {};
  const others = services.filter(({ name, id }) => name === service.name && id !== service.id);
  const isNew = ({ id }: Service) => proven.get(id) === undefined && trials[id]?.fresh === true;
  const known = others.find((other) => !isNew(other));
  const old = base ?? (known === undefined ? undefined : proven.get(known.id));
  if (old === undefined) return known === undefined ? {} : undefined;
  // It is what failed with it.
  if (base === undefined && known !== undefined && old.digest === digestOf(known)) return undefined;
  return Object.fromEntries(
    others.map(({ id, instance = 1 }) => {
      const was = instance <= (old.service.written.instances ?? 1);
      return [id, was ? put({ ...old.service, id, instance }, old) : put('absent')] as const;
    }),
  );
}
