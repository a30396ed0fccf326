import type { Actual, Desired, HealthState, Observed, Run, Service, ServiceId } from '../model.ts';
import { exitAllowed } from '../planner/exits.ts';
import type { Prepared } from '../prepare.ts';
import type { Book, Trial } from './book.ts';
import { digestOf } from './digest.ts';
import { soakOf } from './machine.ts';
import type { AllProven } from './proven.ts';

export interface Watched {
  readonly service: Service;
  readonly trial: Extract<Trial, { readonly phase: 'soaking' }>;
}

/** What soaks, and is still what is desired. */
export function soakingOf({ trials }: Book, { services }: Desired): readonly Watched[] {
  if (!Object.values(trials).some(({ phase }) => phase === 'soaking')) return [];
  return services.flatMap((service): Watched[] => {
    const trial = trials[service.id];
    return trial?.phase === 'soaking' && trial.digest === digestOf(service) ? [{ service, trial }] : [];
  });
}

/** What its supervisor has of a service, where that is ours and can be read. */
export function actualOf(observed: Observed, { id, supervisor }: Service): Actual | undefined {
  const reading = observed.get(supervisor);
  if (reading?.kind !== 'read') return undefined;
  const object = reading.objects.find((one) => one.id === id);
  return object?.kind === 'actual' && object.owner.kind === 'ours' ? object : undefined;
}

/** How it ran before an apply, where it was what is desired already. */
export function currentRun({ observed, definitions }: Prepared, service: Service | undefined): Run | undefined {
  if (service === undefined) return undefined;
  const actual = actualOf(observed, service);
  if (actual === undefined || actual.definition.hash !== definitions.get(service.id)?.hash) return undefined;
  const { run } = actual;
  const isOld = 'definition' in run && (run.definition === 'stale' || run.definition === 'staged');
  return isOld ? undefined : run;
}

/** What failed and was only told, and has stayed well since for as long as it has to: it needed some time. */
export function recoveredOf(
  { trials, quarantine }: Book,
  prepared: Prepared,
  healthOf: (id: ServiceId) => HealthState,
  now: number,
): readonly Service[] {
  const { desired, observed } = prepared;
  return desired.services.filter((service) => {
    const { id } = service;
    if (trials[id]?.phase !== 'failed' || quarantine?.services[id] !== undefined) return false;
    const run = currentRun(prepared, service);
    const isLong = run?.kind === 'running' && run.since + soakOf(service, desired) <= now;
    return isLong && isWell(service, actualOf(observed, service), healthOf(id));
  });
}

/**
 * The services that are as desired and well without anything having been done, and of which that was not known yet.
 * `touched` are those of which it can't be said.
 */
export function wellOf(
  desired: Desired,
  observed: Observed,
  healthOf: (id: ServiceId) => HealthState,
  touched: ReadonlySet<ServiceId>,
  proven: AllProven,
): readonly Service[] {
  const news = desired.services.filter(
    ({ id, state }) => state !== 'absent' && !touched.has(id) && desired.quarantined?.has(id) !== true,
  );
  const unknown = news.filter((service) => proven.get(service.id)?.digest !== digestOf(service));
  if (unknown.length === 0) return [];
  return unknown.filter((service) => isWell(service, actualOf(observed, service), healthOf(service.id)));
}

function isWell(service: Service, actual: Actual | undefined, health: HealthState): boolean {
  if (actual === undefined) return false;
  if (service.state !== 'running') return true;
  const { run } = actual;
  if (run.kind === 'exited') return exitAllowed(service, run.exit);
  if (run.kind !== 'running' || run.definition === 'stale' || run.definition === 'staged') return false;
  return health.kind !== 'unhealthy' || health.about === 'dependency';
}
