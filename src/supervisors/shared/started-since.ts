import { uptime } from 'node:os';
import { statOf } from '../../host/procfs.ts';
import type { ServiceId } from '../../model.ts';
import { steadyNow } from '../../restarts/file.ts';
import type { Restarts } from '../../restarts/restarts.ts';

/** Hundredths of a second, in which Linux tells when a process began since the boot. */
const TICK = 10;

/**
 * Is this process of a service that is held one that was started since it is held? A reading that began before may still show
 * the one that is stopped for that.
 */
export function isStartedSince(id: ServiceId, pid: number, restarts: Pick<Restarts, 'hold' | 'standing'>): boolean {
  if (restarts.hold(id) === undefined) return false;
  const standing = restarts.standing(id);
  const process = statOf(pid);
  if (!('since' in standing) || process === undefined) return false;
  const age = uptime() * 1000 - process.start * TICK;
  return steadyNow() - age > standing.since;
}
