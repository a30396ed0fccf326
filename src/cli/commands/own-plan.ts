import type { Config } from '../../config.ts';
import { checkOwner, loadDesired, supervisorsInUse } from '../../engine.ts';
import { createMonitor } from '../../health/monitor.ts';
import type { Desired, Plan } from '../../model.ts';
import { prepare } from '../../prepare.ts';
import { EVERYTHING } from '../../request.ts';
import { openRegistry } from '../../supervisors/index.ts';

export interface Wanted {
  readonly only: readonly string[];
  readonly claim: boolean;
  readonly restartStaged: boolean;
  readonly override?: boolean;
  readonly approved?: boolean;
  /** The desired state otherwise than it is read. */
  readonly as?: (desired: Desired) => Desired;
}

/** The same path as an apply, stopped before it: reads only, needs no lock and no daemon. */
export async function makeOwnPlan(config: Config, { as, ...wanted }: Wanted): Promise<Plan> {
  const loaded = await loadDesired(config);
  return planFor(config, as === undefined ? loaded : as(loaded), wanted);
}

/** The same for a desired state that was loaded, or made. */
export async function planFor(
  config: Config,
  desired: Desired,
  { only, claim, restartStaged, override = false, approved = false }: Omit<Wanted, 'as'>,
): Promise<Plan> {
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
  const passes = override ? { override: { why: '', by: '' } } : {};
  const request = { ...EVERYTHING, only, restartStaged, approved, ...passes, looking: true };
  const prepared = await prepare(config, desired, supervisors, request, new AbortController().signal);
  if (!claim) checkOwner(config, prepared.desired, prepared.observed);
  return prepared.plan;
}
