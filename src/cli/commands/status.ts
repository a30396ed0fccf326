import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { askStatus } from '../../daemon/ask-status.ts';
import { expandGroups, unknownName } from '../../groups.ts';
import { readHolder } from '../../host/lock.ts';
import type { ServiceStatus, Status } from '../../model.ts';
import { Failure } from '../../problem.ts';
import type { Context, Options } from '../context.ts';
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
  if (told !== undefined) return { status: told, daemon: true };
  // What reads all of it takes longer to load than to ask.
  const { readHere } = await import('./status-here.ts');
  return { status: await readHere(context), daemon: false };
}

/** From the daemon of this runtime folder, by the socket that may be used; and where one has no services of one's own, of the host's. */
async function fromDaemon({ config, note }: Context): Promise<Status | undefined> {
  const { runtimeDir, desiredState } = config;
  const holder = readHolder(join(runtimeDir, 'lock'));
  if (holder?.role === 'daemon') {
    const status = await askStatus(join(runtimeDir, 'control.sock'));
    if (status !== undefined && holder.desiredState !== desiredState)
      note(`The daemon of ${runtimeDir} applies ${holder.desiredState}:\n`);
    if (status !== undefined) return status;
  }
  const there = existsSync(desiredState) ? [runtimeDir] : [runtimeDir, SYSTEM];
  for (const folder of new Set(there)) {
    const status = existsSync(join(folder, 'status.sock')) ? await askStatus(join(folder, 'status.sock')) : undefined;
    if (status !== undefined && folder !== runtimeDir) note(`The daemon of this host (${folder}):\n`);
    if (status !== undefined) return status;
  }
  return undefined;
}
