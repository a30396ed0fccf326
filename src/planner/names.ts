import type { Service, ServiceId, ServiceName } from '../model.ts';
import { nameOf } from './draft.ts';
import type { Owned, World } from './world.ts';

/** What is ours and no service's own object, and why it is still there. */
export type Undeclared = { readonly id: ServiceId; readonly owned: readonly Owned[] } & (
  | { readonly kind: 'former'; readonly of: ServiceId }
  | { readonly kind: 'absent' }
  | { readonly kind: 'surplus'; readonly instances: number }
  | { readonly kind: 'leftover' }
);

/**
 * The ids a service may have had before: by its former names, and in its other form where instances were introduced or
 * given up (`web` and `web@1` are one service).
 */
export function formerIds(service: Service): ServiceId[] {
  const { id, name, instance, formerly } = service;
  return [name, ...formerly]
    .flatMap((base) => {
      if (instance === undefined) return [base, `${base}@1`];
      return instance === 1 ? [`${base}@1`, base] : [`${base}@${instance}`];
    })
    .filter((former) => former !== id);
}

/** Every object of ours that is no declared service's, by id. */
export function undeclared(services: readonly Service[], world: World): Undeclared[] {
  const ids = new Set(services.map(({ id }) => id));
  const instances = new Map<ServiceName, number>();
  const gone = new Set<ServiceName>();
  const former = new Map<ServiceId, ServiceId>();
  for (const service of services) {
    if (service.state === 'absent') {
      for (const name of [service.name, ...service.formerly]) gone.add(name);
      continue;
    }
    for (const name of [service.name, ...service.formerly]) instances.set(name, (instances.get(name) ?? 0) + 1);
    for (const old of formerIds(service)) if (!former.has(old)) former.set(old, service.id);
  }
  return [...world.owned]
    .filter(([id]) => !ids.has(id))
    .map(([id, owned]): Undeclared => {
      const of = former.get(id);
      const count = instances.get(nameOf(id));
      if (of !== undefined) return { kind: 'former', id, owned, of };
      if (count !== undefined) return { kind: 'surplus', id, owned, instances: count };
      return { kind: gone.has(nameOf(id)) ? 'absent' : 'leftover', id, owned };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
