import type { Monitor } from '../../health/health.ts';
import type { ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { environmentOf } from './environment.ts';
import { type RunsAs, switchUser } from './programs.ts';
import type { Settings } from './settings.ts';

/** Has a service's probes watched from now on, run as the service is; its problem, where its environment can't be read. */
export function watchHealth(
  monitor: Monitor,
  id: ServiceId,
  { probes, directory, ...settings }: Settings,
  runsAs: RunsAs | undefined,
): Problem | undefined {
  if (probes.length === 0) {
    monitor.forget(id);
    return undefined;
  }
  try {
    const environment = environmentOf(settings, runsAs?.user);
    monitor.watch(id, probes, { prefix: switchUser(runsAs), environment, directory });
    return undefined;
  } catch (error) {
    return { code: 'no-probes', summary: `cannot probe the health of ${id}: ${why(error)}` };
  }
}
