import { lives, statOf } from '../host/procfs.ts';
import type { Desired, ServiceId } from '../model.ts';
import type { Monitor, Probe } from './health.ts';

/** Something that a service depends on and that does not look well just now. */
export interface Suspect {
  readonly name: string;
  /** ms. By then it is known whether it is down, as its probes count. */
  readonly within: number;
}

/** ms. By then a look at a service's supervisor has told that it is down. */
const SEEN = 10_000;

/**
 * What of a service's dependencies fails a try that is made now: what is down is seen by the service at once, and by the
 * probes of the dependency only once they have failed as often as they may. Of a required service with several instances
 * one that is well is enough.
 */
export async function suspectsOf(
  id: ServiceId,
  { services }: Pick<Desired, 'services'>,
  monitor: Pick<Monitor, 'failingNow' | 'pidOf'>,
): Promise<readonly Suspect[]> {
  const byName = Map.groupBy(services, ({ name }) => name);
  const requires = new Map(services.map(({ id, written }) => [id, written.requires ?? []]));
  const found = new Map<string, Suspect>();
  const seen = new Set<ServiceId>([id]);
  const look = async (at: ServiceId): Promise<void> => {
    for (const probe of await monitor.failingNow(at, ({ about }) => about === 'dependency')) {
      found.set(probe.name, { name: probe.name, within: whole(probe) });
    }
    for (const name of requires.get(at) ?? []) {
      const ids = (byName.get(name) ?? []).map(({ id }) => id).filter((one) => !seen.has(one));
      for (const one of ids) seen.add(one);
      const unwell = await Promise.all(ids.map((one) => unwellNow(one, monitor)));
      const all = unwell.filter((within) => within !== undefined);
      if (ids.length > 0 && all.length === ids.length) found.set(name, { name, within: Math.max(...all) });
      for (const one of ids) await look(one);
    }
  };
  await look(id);
  return [...found.values()];
}

/** By when it is known (ms) that this service is not well; undefined where it seems to be. */
async function unwellNow(id: ServiceId, monitor: Pick<Monitor, 'failingNow' | 'pidOf'>): Promise<number | undefined> {
  const pid = monitor.pidOf(id);
  const process = pid === undefined ? undefined : statOf(pid);
  if (pid !== undefined && (process === undefined || !lives(process))) return SEEN;
  const failing = await monitor.failingNow(id, ({ about }) => about === 'self');
  return failing.length === 0 ? undefined : Math.max(...failing.map(whole));
}

function whole({ failures, every, timeout }: Probe): number {
  return failures.of * every + timeout + SEEN;
}
