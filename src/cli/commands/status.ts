import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { readLastGood } from '../../decisions.ts';
import { loadDesired, supervisorsInUse } from '../../engine.ts';
import { expandGroups, unknownName } from '../../groups.ts';
import { holdsByDuel, recordedDuels } from '../../handover/duels.ts';
import { createMonitor } from '../../health/monitor.ts';
import { readHolder } from '../../host/lock.ts';
import { leftTexts } from '../../left.ts';
import type { Desired, ServiceStatus, Status } from '../../model.ts';
import { observeAll } from '../../prepare.ts';
import { Failure } from '../../problem.ts';
import { healthOfAll, statusOf, unprobed } from '../../status.ts';
import { statusNotes } from '../../status-notes.ts';
import { openRegistry } from '../../supervisors/index.ts';
import { inForce } from '../../verify/in-force.ts';
import type { Context, Options } from '../context.ts';
import { problemsText } from '../views/problems.ts';
import { statusJson, statusText } from '../views/status.ts';

/** Where the daemon of a host keeps its sockets. */
const SYSTEM = '/run/reconciled';

/**
 * `reconcile status [NAME…]`: from the daemon where one runs (it knows the health), else read here and now. 3 where
 * something that is shown should run and does not.
 */
export async function statusCommand(context: Context, options: Options): Promise<number> {
  if (options.watch) return (await import('./watch-status.ts')).watchStatus(context, options);
  const { style, width } = context;
  const status = await chosenStatus(context, options);
  if (options.json) context.out(`${JSON.stringify(statusJson(status), null, 2)}\n`);
  else context.out(statusText(status, { style, width, now: Date.now(), ...how(options) }));
  return exitCode(status);
}

/** What is shown of it, and how. */
export function how({ wide = false, names = [] }: Options): { readonly wide: boolean; readonly chosen: boolean } {
  return { wide, chosen: names.length > 0 };
}

export function exitCode({ services }: Status): number {
  return services.some(({ missing }) => missing) ? 3 : 0;
}

/** Of those that were asked for; where all that is known was, with what they use. */
export async function chosenStatus(context: Context, { names = [], wide }: Options): Promise<Status> {
  const { status } = await currentStatus(context);
  const services = names.length === 0 ? status.services : chosen(status.services, names);
  if (!wide) return { ...status, services };
  const { usesOf } = await import('../../host/use.ts');
  const uses = usesOf(status.services.flatMap(({ pid }) => (pid === null ? [] : [pid])));
  return { ...status, services: services.map((one) => ({ ...one, use: (one.pid && uses.get(one.pid)) || null })) };
}

function chosen(services: readonly ServiceStatus[], names: readonly string[]): readonly ServiceStatus[] {
  const all = services.map((service) => ({ id: service.name, name: service.name.split('@')[0] ?? '', service }));
  const nameable = all.map((one) => ({ ...one, group: one.service.group }));
  const words = new Set(expandGroups(names, nameable));
  const known = new Set(all.flatMap(({ id, name }) => [id, name]));
  const unknown = [...words].filter((word) => !known.has(word));
  if (unknown.length > 0) throw new Failure(...unknown.map((word) => unknownName(word, nameable)));
  return all.filter(({ id, name }) => words.has(id) || words.has(name)).map(({ service }) => service);
}

/** How all is now, and whether a daemon says so. */
export async function currentStatus(context: Context): Promise<{ readonly status: Status; readonly daemon: boolean }> {
  const told = await fromDaemon(context);
  return { status: told ?? (await readHere(context)), daemon: told !== undefined };
}

/** From the daemon of this runtime folder, by the socket that may be used; and where one has no services of one's own, of the host's. */
async function fromDaemon({ config, note }: Context): Promise<Status | undefined> {
  const { runtimeDir, desiredState } = config;
  const holder = readHolder(join(runtimeDir, 'lock'));
  if (holder?.role === 'daemon') {
    const status = await ask(join(runtimeDir, 'control.sock'));
    if (status !== undefined && holder.desiredState !== desiredState)
      note(`The daemon of ${runtimeDir} applies ${holder.desiredState}:\n`);
    if (status !== undefined) return status;
  }
  const there = existsSync(desiredState) ? [runtimeDir] : [runtimeDir, SYSTEM];
  for (const folder of new Set(there)) {
    const status = existsSync(join(folder, 'status.sock')) ? await ask(join(folder, 'status.sock')) : undefined;
    if (status !== undefined && folder !== runtimeDir) note(`The daemon of this host (${folder}):\n`);
    if (status !== undefined) return status;
  }
  return undefined;
}

async function ask(path: string): Promise<Status | undefined> {
  const { askStatus } = await import('../../daemon/client.ts');
  try {
    return await askStatus(path);
  } catch (error) {
    // It has ended since, is not up yet, or is not ours to ask: what it left tells as much.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

async function readHere(context: Context): Promise<Status> {
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
