import type { ServiceId } from '../../model.ts';
import { check } from './check.ts';
import { localPorts, type WhoListens } from './local-ports.ts';
import type { Settings } from './settings.ts';

/** ms. How often it is looked whether what was missing is there again. */
export const MENDED = 5000;

export interface HopelessMeans {
  readonly owner: string;
  /** The folder of logs that no service says another place for. */
  readonly logDir: string;
  /** Absent: nobody looks. */
  readonly whoListens?: WhoListens | undefined;
}

/**
 * Why no start of a service can go well as things are now: its command, user or folder is missing, or somebody else has its
 * port. Undefined where nothing is known to stand in the way. Asked of what is down, and reads only.
 */
export async function whyHopeless(
  { owner, logDir, whoListens }: HopelessMeans,
  id: ServiceId,
  settings: Settings,
): Promise<string | undefined> {
  const problem = await check({ id, file: '' }, settings, logDir);
  if (problem !== undefined) return problem.summary.replace(`cannot start ${id}: `, '');
  const ports = localPorts(settings.probes);
  return ports.length === 0 ? undefined : whoListens?.(ports, owner, id);
}
