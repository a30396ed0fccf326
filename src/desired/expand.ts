import { resolve } from 'node:path';
import type { Policy, Service, ServiceId, SupervisorName } from '../model.ts';
import type { PolicyFile } from './generated/policy.ts';
import type { ServiceFile } from './generated/service.ts';

/** What was made of a declaration before: a daemon loads the same ones again and again. */
const known = new WeakMap<ServiceFile, Map<string, readonly Service[]>>();

/**
 * The services that one declaration stands for: itself, or its instances. `root` is the real path of the directory. The
 * same declaration under the same name gives the same objects, so that what is worked out of them can be kept by them.
 */
export function expand(
  name: string,
  file: string,
  declared: ServiceFile,
  root: string,
  afterIds: readonly ServiceId[],
): readonly Service[] {
  const named = known.get(declared) ?? new Map<string, readonly Service[]>();
  known.set(declared, named);
  const key = [name, file, root, ...afterIds].join('\0');
  const services = named.get(key) ?? expandAnew(name, file, declared, root, afterIds);
  named.set(key, services);
  return services;
}

/** The ids of a service: its name, or those of its instances. */
export function idsOf(name: string, instances: number | undefined): readonly ServiceId[] {
  return instances === undefined ? [name] : Array.from({ length: instances }, (_, i) => `${name}@${i + 1}`);
}

function expandAnew(
  name: string,
  file: string,
  declared: ServiceFile,
  root: string,
  afterIds: readonly ServiceId[],
): Service[] {
  const { directory } = declared;
  const relative = directory !== undefined && !directory.startsWith('/');
  const written = relative ? { ...declared, directory: resolve(root, directory) } : declared;
  const state = written.state ?? 'running';
  const service = {
    name,
    supervisor: written.supervisor as SupervisorName,
    state,
    autostart: written.autostart ?? state === 'running',
    ...(written.group === undefined ? {} : { group: written.group }),
    after: written.start?.after ?? [],
    ...(afterIds.length === 0 ? {} : { afterIds }),
    formerly: written.formerly ?? [],
    changes: written.changes ?? 'now',
    ...(written.drift === undefined ? {} : { drift: written.drift }),
    written,
    inputs: {},
    file,
  };
  const { instances } = written;
  if (instances === undefined) return [{ ...service, id: name }];
  return idsOf(name, instances).map((id, i) => ({ ...service, id, instance: i + 1 }));
}

export function policyOf(written: PolicyFile): Policy {
  return {
    owner: written.owner ?? 'default',
    ...(written.drift === undefined ? {} : { drift: written.drift }),
    ...(written.strays === undefined ? {} : { strays: written.strays }),
    prune: written.prune === undefined ? { kind: 'off' } : { kind: 'on', max: written.prune.max },
    written,
  };
}
