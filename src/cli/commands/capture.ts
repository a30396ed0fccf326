import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Edit } from '../../capture/edit.ts';
import { changesFor, checkChanges } from '../../capture/files.ts';
import { capture } from '../../capture/what.ts';
import { checkNames } from '../../check-names.ts';
import { endHolds } from '../../control/keep-holds.ts';
import { loadDesired, supervisorsInUse } from '../../engine.ts';
import { expandGroups } from '../../groups.ts';
import { createMonitor } from '../../health/monitor.ts';
import { writeAtomic } from '../../host/files.ts';
import type { Service } from '../../model.ts';
import { prepare } from '../../prepare.ts';
import { Failure, why } from '../../problem.ts';
import { EVERYTHING } from '../../request.ts';
import { openRegistry } from '../../supervisors/index.ts';
import type { Context, Options } from '../context.ts';
import { captureJson, captureText } from '../views/capture.ts';
import { nudged, person } from './lease.ts';

/** `reconcile capture NAME…`: writes what services are now to Git's files, for a person to commit. */
export async function captureCommand(context: Context, options: Options): Promise<number> {
  const { config, style } = context;
  const desired = await loadDesired(config);
  const names = expandGroups(options.names ?? [], desired.services);
  checkNames(desired, new Map(), { only: names, asked: [] });
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
  // As it is: nothing is planned for it that a gate would have to be asked for.
  const looking = { ...EVERYTHING, only: names, override: { why: '', by: '' }, looking: true };
  const prepared = await prepare(config, desired, supervisors, looking, new AbortController().signal);
  const edits = new Map<Service, readonly Edit[]>();
  const left: { service: string; what: string }[] = [];
  for (const service of prepared.desired.services) {
    if (!names.includes(service.id) && !names.includes(service.name)) continue;
    const supervisor = supervisors.get(service.supervisor);
    const reading = prepared.observed.get(service.supervisor);
    if (supervisor === undefined || reading === undefined || reading.kind === 'unreadable') {
      const because = reading?.kind === 'unreadable' ? reading.problem.summary : `${service.supervisor} was not read`;
      left.push({ service: service.id, what: because });
      continue;
    }
    const found = reading.objects.find(({ id }) => id === service.id);
    const actual = found?.kind === 'actual' && found.owner.kind === 'ours' ? found : undefined;
    const definition = prepared.definitions.get(service.id);
    const captured = capture(service, actual, definition, (other) => supervisor.define(other));
    edits.set(service, captured.edits);
    left.push(...captured.left.map((what) => ({ service: service.id, what })));
  }
  const changes = await changesFor(config, desired, edits);
  await checkChanges(config, changes);
  const isMirror = config.git !== undefined;
  const writes = changes.length > 0 && options.dryRun !== true && !isMirror;
  if (writes) for (const { path, to } of changes) write(join(config.desiredState, path), to);
  const files = changes.map(({ path }) => path).join(' ');
  const folder = config.desiredState;
  const commands = [
    `git -C ${folder} add ${files}`,
    `git -C ${folder} commit -m 'capture: ${names.join(', ')}, as on ${config.host}'`,
  ];
  const told = { changes, left, written: writes, commands: writes ? commands : [] };
  context.out(options.json ? `${JSON.stringify(captureJson(told), null, 2)}\n` : captureText(told, style));
  if (isMirror && changes.length > 0)
    context.note('The desired state is fetched from a repository elsewhere: make this change there.\n');
  if (writes) {
    // What is as Git says now is left alone no longer.
    await endHolds(config.stateDir, names);
    await nudged(context, `${person()} captured ${names.join(', ')}`);
  }
  if (options.dryRun === true && changes.length > 0) return 2;
  return left.length > 0 || (isMirror && changes.length > 0) ? 3 : 0;
}

/** As readable as it was. */
function write(path: string, text: string): void {
  try {
    writeAtomic(path, text, { mode: statSync(path).mode & 0o777, sync: true });
  } catch (error) {
    throw new Failure({ code: 'capture-unwritable', summary: `cannot write ${path}: ${why(error)}` });
  }
}
