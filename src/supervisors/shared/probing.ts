import { isForReadiness, type Monitor } from '../../health/health.ts';
import { beganAt, statOf } from '../../host/procfs.ts';
import type { ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { formatDuration } from '../../units.ts';
import { environmentOf, ofInstance } from './environment.ts';
import { type RunsAs, switchUser } from './programs.ts';
import type { Settings } from './settings.ts';

/**
 * Has a service's probes watched from now on, run as the service is; its problem, where its environment can't be read. `pid`:
 * its main process at any time.
 */
export function watchHealth(
  monitor: Monitor,
  id: ServiceId,
  { probes, directory, grace, ...settings }: Settings,
  runsAs: RunsAs | undefined,
  pid: () => number | undefined,
): Problem | undefined {
  if (probes.length === 0) {
    monitor.forget(id);
    return undefined;
  }
  try {
    const environment = ofInstance(id, environmentOf(settings, runsAs?.user));
    const as = { prefix: switchUser(runsAs), environment, directory };
    monitor.watch(id, probes, as, { pid, grace: graceLeft(grace, pid()), wholeGrace: grace });
    return undefined;
  } catch (error) {
    return { code: 'no-probes', summary: `cannot probe the health of ${id}: ${why(error)}` };
  }
}

/** It counts from when the process began, which may have been long before anybody watched. */
function graceLeft(grace: number, pid: number | undefined): number {
  if (grace === 0) return 0;
  const stat = pid === undefined ? undefined : statOf(pid);
  return stat === undefined ? grace : Math.min(grace, Math.max(0, beganAt(stat) + grace - Date.now()));
}

/** Why a service that runs is not taken for started. */
export interface Unwell {
  readonly code: 'start-failed' | 'not-healthy' | 'interrupted';
  readonly because: string;
}

/** Waits for the probes that have to pass before a service is ready, if it has any, but not beyond `ended`; undefined where all is well. */
export async function whenHealthy(
  monitor: Monitor,
  id: ServiceId,
  { probes, startTimeout }: Settings,
  signal: AbortSignal,
  ended?: (limit: AbortSignal) => Promise<void>,
): Promise<Unwell | undefined> {
  if (!probes.some(isForReadiness)) return undefined;
  const limit = new AbortController();
  const any = AbortSignal.any([signal, limit.signal, AbortSignal.timeout(startTimeout)]);
  const ready = monitor.ready(id, any);
  const health = ended === undefined ? await ready : await Promise.race([ready, ended(limit.signal)]);
  limit.abort();
  if (health === undefined || health.kind === 'none') {
    return { code: 'start-failed', because: 'it ended before its health probes passed' };
  }
  if (monitor.isReady(id)) return undefined;
  if (signal.aborted) {
    return { code: 'interrupted', because: 'interrupted before its health probes passed; its process goes on' };
  }
  const said =
    health.kind === 'unhealthy' && health.about === 'self'
      ? `probe ${health.probe}: ${health.why}`
      : unanswered(monitor, id);
  const because = `it runs, but was not healthy within ${formatDuration(startTimeout)}: ${said}`;
  return { code: 'not-healthy', because };
}

/** `probe api has not passed yet` */
function unanswered(monitor: Monitor, id: ServiceId): string {
  const states = monitor.probes(id).filter(({ probe, verdict }) => isForReadiness(probe) && verdict.kind !== 'passing');
  const names = states.map(({ probe }) => probe.name);
  return `${names.length === 1 ? 'probe' : 'probes'} ${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} not passed yet`;
}

export function probedAlike(...[one, other]: readonly [Settings, Settings]): boolean {
  const probed = ({ probes, grace }: Settings) => JSON.stringify([probes, grace]);
  return probed(one) === probed(other);
}
