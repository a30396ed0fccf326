import type { Config } from '../../config.ts';
import { readLastGood } from '../../decisions.ts';
import { loadDesired, supervisorsInUse } from '../../engine.ts';
import { holdsByDuel, recordedDuels } from '../../handover/duels.ts';
import { createMonitor } from '../../health/monitor.ts';
import { leftTexts } from '../../left.ts';
import type { Desired, Status } from '../../model.ts';
import { observeAll } from '../../prepare.ts';
import { Failure } from '../../problem.ts';
import { healthOfAll, statusOf, unprobed } from '../../status.ts';
import { statusNotes } from '../../status-notes.ts';
import { openRegistry } from '../../supervisors/index.ts';
import { inForce } from '../../verify/in-force.ts';
import type { Context } from '../context.ts';
import { problemsText } from '../views/problems.ts';

/** How all is, read here and now: where no daemon says so. */
export async function readHere(context: Context): Promise<Status> {
  const { config } = context;
  const desired = await desiredOrLastGood(context);
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
  const observed = await observeAll(desired, supervisors, new AbortController().signal, STATUS);
  const duels = holdsByDuel(recordedDuels(config.stateDir));
  const left = leftTexts(config.stateDir, desired.services, Date.now());
  const health = unprobed(desired, observed);
  const services = statusOf(desired, observed, health, left, duels);
  return { notes: await statusNotes(config, desired), ...healthOfAll(health), services };
}

/** A status is wanted most when something is wrong: with invalid files the last good state is shown beside the problems. */
async function desiredOrLastGood({ config, note, style }: Context): Promise<Desired> {
  try {
    return await loadDesired(config);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const last = readLastGood(config.stateDir, config.desiredState);
    if (last === undefined) throw error;
    note(`${problemsText(error.problems, style)}\nThe last good desired state is shown:\n`);
    return inForceIfKnown(config, last);
  }
}

/** Where it can't be read what is quarantined, that is told above; what Git said last is shown as it is. */
function inForceIfKnown(config: Config, last: Desired): Desired {
  try {
    return inForce(config, last);
  } catch (error) {
    if (error instanceof Failure) return last;
    throw error;
  }
}

const STATUS = { thorough: true, looking: true };
