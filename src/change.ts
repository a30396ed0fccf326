import { checkNames } from './check-names.ts';
import type { Config } from './config.ts';
import { define } from './definitions.ts';
import { readInputs } from './desired/inputs.ts';
import { supervisorsInUse } from './engine.ts';
import { expandGroups } from './groups.ts';
import { openBegun, openReversed } from './handover/begun.ts';
import { lookInPlace } from './handover/look.ts';
import { openTakers } from './handover/takers.ts';
import { createMonitor } from './health/monitor.ts';
import type {
  Actual,
  Definition,
  Desired,
  Observed,
  Plan,
  Reading,
  Run,
  Service,
  ServiceId,
  Step,
  SupervisorName,
} from './model.ts';
import type { InPlace } from './planner/handover.ts';
import { plan as makePlan } from './planner.ts';
import { hostKey, whyNot } from './prepare.ts';
import { sorted } from './service-files.ts';
import { openRegistry, type Registry } from './supervisors/index.ts';
import { readSurroundings } from './surroundings.ts';
import { keyOfThing, thingsOf } from './thing.ts';

/**
 * What a change would do here: the plan, by the same planner, for a host on which all is as `from` says and runs as it
 * should. What really runs is not looked at, but for what `to` newly supersedes and whether its commands can be started
 * here. Windows, freezes and approvals say when something is done and not what: they play no part. Changes nothing.
 */
export async function planChange(config: Config, from: Desired, to: Desired, only: readonly string[]): Promise<Plan> {
  const { runtimeDir, logDir } = config;
  await using monitor = createMonitor();
  await using registry = openRegistry({ owner: to.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const key = hostKey(config.stateDir);
  const before = await defined(config, from, registry, key);
  const after = await defined(config, to, registry, key);
  const { supervisors, definitions, desired } = after;
  const observed = withAll(converged(before, from.policy.owner === to.policy.owner), supervisors.keys());
  const chosen = expandGroups(only, desired.services);
  checkNames(desired, observed, { only: chosen, asked: [] });

  const signal = new AbortController().signal;
  const view = readSurroundings(desired);
  const means = {
    supervisors,
    takers: await openTakers(supervisors, config),
    begun: openBegun(config.runtimeDir),
    reversed: openReversed(config.stateDir),
    isCopy: view.isCopy,
  };
  const { inPlace } = await lookInPlace(desired, definitions, observed, means, signal);
  const blocked = new Map(after.problems);
  const input = {
    desired,
    definitions,
    fields: new Map([...supervisors].map(([name, { fields }]) => [name, fields])),
    observed,
    blocked,
    asked: new Set<ServiceId>(),
    inPlace: withoutTaken(inPlace, from),
    ...(chosen.length > 0 ? { only: new Set(chosen) } : {}),
  };
  const first = makePlan(input);
  for (const step of first.steps) {
    const problem = await whyNot(step, supervisors.get(step.supervisor));
    if (problem !== undefined) blocked.set(step.service, problem);
  }
  const plan = blocked.size === after.problems.size ? first : makePlan(input);
  return { ...plan, steps: plan.steps.map(nameless) };
}

async function defined(config: Config, loaded: Desired, registry: Registry, key: Buffer) {
  const { services, problems } = readInputs(loaded.services, key);
  const desired: Desired = { ...loaded, services };
  const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
  const own = await define(desired, supervisors);
  const definitions = new Map(own);
  for (const { id, files } of services) {
    const definition = own.get(id);
    if (files !== undefined && definition !== undefined)
      definitions.set(id, { ...definition, files: sorted(definition.files, files) });
  }
  return { desired, supervisors, definitions, problems };
}

/** The host as it is once all is as desired. */
function converged(
  { desired, definitions }: { readonly desired: Desired; readonly definitions: ReadonlyMap<ServiceId, Definition> },
  isOurs: boolean,
): Observed {
  const owner: Actual['owner'] = isOurs ? { kind: 'ours' } : { kind: 'foreign', owner: desired.policy.owner };
  const objects = desired.services.flatMap((service): (readonly [SupervisorName, Actual])[] => {
    const definition = definitions.get(service.id);
    if (definition === undefined) return [];
    const { id, supervisor, written } = service;
    const { hash, fields, files, boot } = definition;
    const actual: Actual = {
      kind: 'actual',
      id,
      owner,
      definition: { hash, fields, ...(files === undefined ? {} : { files }), ...(boot === undefined ? {} : { boot }) },
      run: runOf(service),
      restarts: 0,
      ...(written.unit === undefined ? {} : { borrowed: true }),
    };
    return [[supervisor, actual]];
  });
  const readings = [...Map.groupBy(objects, ([name]) => name)].map(([name, all]): [SupervisorName, Reading] => [
    name,
    { kind: 'read', objects: all.map(([, actual]) => actual) },
  ]);
  return new Map(readings);
}

/** Nobody knows its pid: it is taken out of the plan again. */
const SOME_PID = 1;

/** What is left as it is found is taken to run: what a change does to that is worth more. */
function runOf({ state }: Service): Run {
  return state === 'running' || state === 'manual'
    ? { kind: 'running', pid: SOME_PID, since: 0, definition: 'current' }
    : { kind: 'stopped', started: true };
}

function withAll(observed: Observed, names: Iterable<SupervisorName>): Observed {
  const empty: Reading = { kind: 'read', objects: [] };
  return new Map([...[...names].map((name) => [name, empty] as const), ...observed]);
}

/** What `from` supersedes is done with there; and what goes on here of handovers is no matter. */
function withoutTaken(inPlace: ReadonlyMap<ServiceId, InPlace>, from: Desired): ReadonlyMap<ServiceId, InPlace> {
  const taken = new Set(from.services.flatMap(({ written }) => thingsOf(written).map(keyOfThing)));
  return new Map(
    [...inPlace].map(([id, { begun: _, reversed: __, things, ...place }]) => [
      id,
      { ...place, things: things.filter(({ thing }) => !taken.has(keyOfThing(thing))) },
    ]),
  );
}

function nameless(step: Step): Step {
  if (step.seen.kind === 'absent') return step;
  const { pid: _, ...seen } = step.seen;
  return { ...step, seen };
}
