import { changesFor } from '../../capture/files.ts';
import { shownChange } from '../../capture/shown.ts';
import type { Edit } from '../../capture/tree.ts';
import { tryChanges } from '../../capture/trial.ts';
import { capture } from '../../capture/what.ts';
import { checkNames } from '../../check-names.ts';
import { endHolds } from '../../control/keep-holds.ts';
import { loadDesired, supervisorsInUse } from '../../engine.ts';
import { expandGroups } from '../../groups.ts';
import { createMonitor } from '../../health/monitor.ts';
import type { Service } from '../../model.ts';
import { prepare } from '../../prepare.ts';
import { EVERYTHING } from '../../request.ts';
import { openRegistry } from '../../supervisors/index.ts';
import type { Context, Options } from '../context.ts';
import { captureJson, captureText } from '../views/capture.ts';
import { keeperOf } from './keep.ts';
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
  await tryChanges(config, changes);
  const keeper = await keeperOf(context, options, changes, `capture: ${names.join(', ')}, as on ${config.host}`);
  const isMirror = config.git !== undefined;
  const writes = changes.length > 0 && options.dryRun !== true && !isMirror;
  const committed = writes ? await keeper.write() : undefined;
  const commands = writes && committed === undefined ? keeper.commands : [];
  const told = { changes: changes.map(shownChange), left, written: writes, commands, committed };
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
