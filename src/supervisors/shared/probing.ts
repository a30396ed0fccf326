import type { Monitor } from '../../health/health.ts';
import type { ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { formatDuration } from '../../units.ts';
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

/** Why a service that runs is not taken for started. */
export interface Unwell {
  readonly code: 'start-failed' | 'not-healthy' | 'interrupted';
  readonly because: string;
}

/** Waits for a service's own probes, if it has any, but not beyond `ended`; undefined where all is well. */
export async function whenHealthy(
  monitor: Monitor,
  id: ServiceId,
  { probes, startTimeout }: Settings,
  signal: AbortSignal,
  ended?: (limit: AbortSignal) => Promise<void>,
): Promise<Unwell | undefined> {
  if (!probes.some(({ about }) => about === 'self')) return undefined;
  const limit = new AbortController();
  const any = AbortSignal.any([signal, limit.signal, AbortSignal.timeout(startTimeout)]);
  const ready = monitor.ready(id, any);
  const health = ended === undefined ? await ready : await Promise.race([ready, ended(limit.signal)]);
  limit.abort();
  if (health === undefined || health.kind === 'none') {
    return { code: 'start-failed', because: 'it ended before its health probes passed' };
  }
  if (health.kind === 'healthy' || (health.kind === 'unhealthy' && health.about === 'dependency')) return undefined;
  if (signal.aborted) {
    return { code: 'interrupted', because: 'interrupted before its health probes passed; its process goes on' };
  }
  const said = health.kind === 'unhealthy' ? `probe ${health.probe}: ${health.why}` : 'not every probe has answered';
  const because = `it runs, but was not healthy within ${formatDuration(startTimeout)}: ${said}`;
  return { code: 'not-healthy', because };
}
