import { join } from 'node:path';
import type { Service, ServiceId } from '../../model.ts';

/** Our drop-ins: settings of a unit of others, and what keeps a disabled one of ours from starting. */
export const SETTINGS = '50-reconciled.conf';
export const BLOCK = '99-reconciled-disabled.conf';

/** The unit of a service of ours: `web` -> `web.service`, `web@2` -> `web@2.service`. */
export function unitOfId(id: ServiceId): string {
  return `${id}.service`;
}

/** The unit that is started and stopped for a service: the one it names, or its own. */
export function unitOf(service: Pick<Service, 'id' | 'written'>): string {
  return service.written.unit ?? unitOfId(service.id);
}

/** The unit whose file or drop-in folder holds the definition: the template `web@.service` where there are instances. */
export function definedBy({ name, instance, written }: Pick<Service, 'name' | 'instance' | 'written'>): string {
  return written.unit ?? unitOfId(instance === undefined ? name : `${name}@`);
}

/** The id for the text of a unit, where only systemd knows which instance it is. */
export function templateId({ name, instance }: Pick<Service, 'name' | 'instance'>): ServiceId {
  return instance === undefined ? name : `${name}@%i`;
}

export function dropInPath(unitDir: string, unit: string, file: string): string {
  return join(unitDir, `${unit}.d`, file);
}
