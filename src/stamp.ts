import type { ServiceId } from './model.ts';

/** The environment variable that carries the stamp in a service's main process, and so in its children. */
export const STAMP = 'RECONCILED_DEFINITION';

/** The one that tells whose process it is, where that is not the embedded supervisor. */
export const SUPERVISOR = 'RECONCILED_SUPERVISOR';

/** The one that tells which settings it was started with, where some take effect only at a start: a digest. */
export const SETTINGS = 'RECONCILED_SETTINGS';

export interface Stamp {
  readonly owner: string;
  readonly service: string;
  /** '' where the service has no instances. */
  readonly instance: string;
  readonly hash: string;
}

/** `v1:<owner>:<service>:<instance>:<hash>` */
export function formatStamp(owner: string, id: ServiceId, hash: string): string {
  const [service = '', instance = ''] = id.split('@');
  return `v1:${owner}:${service}:${instance}:${hash}`;
}

/** Undefined for anything but a whole v1 stamp: an unknown version is `unknown`, never a reason to act. */
export function parseStamp(text: string): Stamp | undefined {
  const parts = text.split(':');
  const [version, owner, service, instance, hash] = parts;
  if (version !== 'v1' || parts.length !== 5 || !owner || !service || instance === undefined || !hash) return undefined;
  return { owner, service, instance, hash };
}

export function stampId(stamp: Stamp): ServiceId {
  return stamp.instance === '' ? stamp.service : `${stamp.service}@${stamp.instance}`;
}
