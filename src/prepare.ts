import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAbandoned } from './abandoned.ts';
import { checkNames } from './check-names.ts';
import type { Config } from './config.ts';
import { controlOf, readControl } from './control/index.ts';
import type { Controlled } from './control/keep.ts';
import { type AllStopped, readStopped, stillStopped, unwellOf } from './control/stopped.ts';
import { readUsed } from './decisions.ts';
import { define } from './definitions.ts';
import { readInputs } from './desired/inputs.ts';
import type { Duels } from './duels/record.ts';
import { askGates } from './gates/ask.ts';
import { readWaits, type Waits } from './gates/book.ts';
import { expandGroups } from './groups.ts';
import { openBegun, openReversed } from './handover/begun.ts';
import { duelsNow, holdsByDuel } from './handover/duels.ts';
import { type LookMeans, lookInPlace, placeOf } from './handover/look.ts';
import { preflight } from './handover/preflight.ts';
import { openTakers, type Takers } from './handover/takers.ts';
import { createPause, eachInPieces } from './host/pause.ts';
import {
  gatedOf,
  holdsOf,
  type Marks,
  readMarks,
  settledOf,
  untriedOf,
  wantedDigest,
  withRestarting,
} from './marks.ts';
import type {
  Definition,
  Desired,
  Observed,
  Plan,
  Reading,
  Service,
  ServiceId,
  Step,
  SupervisorName,
} from './model.ts';
import type { Stray } from './planner/declared.ts';
import { nameOf } from './planner/draft.ts';
import type { GateState } from './planner/gates.ts';
import type { InPlace } from './planner/handover.ts';
import { plan as makePlan } from './planner.ts';
import type { Problem } from './problem.ts';
import type { Request } from './request.ts';
import { withServiceFiles } from './service-files.ts';
import type { Supervisors } from './supervisors/index.ts';
import type { Also, Supervisor } from './supervisors/supervisor.ts';
import { readSurroundings, type Surroundings } from './surroundings.ts';
import type { ThingState } from './thing.ts';

export interface Prepared {
  readonly plan: Plan;
  readonly desired: Desired;
  readonly observed: Observed;
  readonly marks: Marks;
  readonly definitions: ReadonlyMap<ServiceId, Definition>;
  readonly takers: Takers;
  /** Something bears marks of a service that Git has no more. */
  readonly given: boolean;
  /** The duels that go on; all others that were recorded are over. */
  readonly duels: Duels;
  /** What was decided of changes, and what the clock says to them. */
  readonly control: Controlled;
  /** What was stopped since a probe of it failed: as it was decided, and what of that holds still. */
  readonly stopped: { readonly before: AllStopped; readonly now: AllStopped };
  /** What a person wants no longer left as it is; and wants stopped, and then left so. */
  readonly released: ReadonlySet<ServiceId>;
  readonly stops: ReadonlySet<ServiceId>;
  /** What the gates said that had to be asked. */
  readonly gates: ReadonlyMap<ServiceId, GateState>;
  /** What waited for gates before, and does from now on. */
  readonly waits: { readonly before: Waits; readonly now: Waits };
  /** What Git wants of each service that others can change. */
  readonly wanted: ReadonlyMap<ServiceId, string>;
  /** The services it is about, by name or id; all where empty. */
  readonly only: readonly string[];
}

/** Reads everything and plans; changes nothing. Fails with problems where there can be no plan at all. */
export async function prepare(
  config: Config,
  loaded: Desired,
  supervisors: Supervisors,
  request: Request,
  signal: AbortSignal,
): Promise<Prepared> {
  const pause = createPause();
  checkAbandoned(readUsed(config.stateDir).instances, loaded);
  const only = expandGroups(request.only, loaded.services);
  const asked = expandGroups(request.asked, loaded.services, true);
  const inputs = readInputs(loaded.services, hostKey(config.stateDir));
  const desired: Desired = { ...loaded, services: inputs.services };
  const defined = await define(desired, supervisors);
  const marks = readMarks(config.stateDir);
  await pause();
  const seen = withRestarting(
    await observeAll(desired, supervisors, signal, { looking: request.looking === true }),
    marks,
  );
  const looked = withServiceFiles(desired, defined, seen);
  const { definitions, observed } = looked;
  const wanted = new Map(
    desired.services
      .filter(({ supervisor }) => supervisors.get(supervisor)?.shared)
      .map((service) => [service.id, wantedDigest(service, definitions.get(service.id))]),
  );
  checkNames(desired, observed, { only, asked });
  const blocked = new Map([...inputs.problems, ...looked.problems]);
  const takers = await openTakers(supervisors, config);
  const begun = openBegun(config.runtimeDir);
  const reversed = openReversed(config.stateDir);
  await pause();
  const view = readSurroundings(desired);
  await pause();
  const means = { supervisors, takers, begun, reversed, isCopy: view.isCopy };
  const place = await lookInPlace(desired, definitions, observed, means, signal);
  const persons = {
    stops: namedBy(desired.services, request.stop?.names),
    restarts: namedBy(desired.services, request.restart),
    released: namedBy(desired.services, request.release),
  };
  const askedIds = new Set([...idsOf(desired.services, asked), ...persons.restarts]);
  const duels = duelsNow(config.stateDir, desired.services, definitions, askedIds);
  // Nothing is pruned that may have something to give back.
  const prune = place.unsure ? ({ kind: 'off' } as const) : desired.policy.prune;
  const decided = {
    ...(await readControl(config.stateDir, desired, Date.now())),
    override: request.override !== undefined,
    preview: request.approved === true,
  };
  const control = controlOf(desired, decided);
  const before = readStopped(config.stateDir);
  const stopped = { before, now: stillStopped(before, desired.services, observed, askedIds) };
  const input = {
    ...place,
    ...withStrays(desired, place.inPlace, view.around(observed, place.inPlace), means),
    desired: { ...desired, policy: { ...desired.policy, prune } },
    definitions,
    fields: new Map([...supervisors].map(([name, { fields }]) => [name, fields])),
    observed,
    blocked,
    settled: settledOf(marks, wanted),
    untried: untriedOf(marks, wanted),
    holds: holdsOf(marks, Date.now(), gatedOf(desired.services), persons.released),
    stops: persons.stops,
    restarts: persons.restarts,
    duels: holdsByDuel(duels),
    unwell: unwellOf(request, stopped.now, desired.services, observed),
    asked: askedIds,
    restartStaged: request.restartStaged === true,
    ...(control === undefined ? {} : { control }),
    ...(only.length > 0 ? { only: new Set(only) } : {}),
  };
  await pause();
  const first = makePlan(input);
  await pause();
  // What can't start here must be known before anything is stopped for it, and in the dry run too.
  const found = await eachInPieces(first.steps, pause, async (step) => {
    const known = await whyNot(step, supervisors.get(step.supervisor));
    const problem = known ?? preflight(step, view.processes, config.logDir);
    return problem === undefined ? undefined : ([step.service, problem] as const);
  });
  for (const entry of found) if (entry !== undefined) blocked.set(...entry);
  const able = found.some((entry) => entry !== undefined) ? makePlan(input) : first;
  const waits = readWaits(config.stateDir);
  const chosen = (id: ServiceId) => only.length === 0 || only.includes(id) || only.includes(nameOf(id));
  const withGates = (gates: NonNullable<typeof control>['gates']) =>
    makePlan(control === undefined || gates === undefined ? input : { ...input, control: { ...control, gates } });
  const gates = await askGates(able, withGates, { services: desired.services, definitions, waits, chosen, signal });
  const { plan } = gates;
  const controlled = { ...decided, active: control !== undefined };
  return {
    ...{ plan, desired, observed, definitions, takers, marks, duels, wanted, only, stopped, control: controlled },
    given: place.given.size > 0,
    released: persons.released,
    stops: persons.stops,
    gates: gates.states,
    waits: { before: waits, now: gates.waits },
  };
}

/**
 * Asks all supervisors: those that others can change too at once, then the embedded one, which looks at every process of
 * the host but theirs.
 */
export async function observeAll(
  desired: Desired,
  supervisors: Supervisors,
  signal: AbortSignal,
  also: Omit<Also, 'known'> = {},
): Promise<Observed> {
  const bySupervisor = Map.groupBy(desired.services, ({ supervisor }) => supervisor);
  const ask = async ([name, supervisor]: readonly [SupervisorName, Supervisor], known: ReadonlySet<number>) =>
    [name, await supervisor.observe(signal, bySupervisor.get(name) ?? [], { ...also, known })] as const;
  const all = [...supervisors];
  const shared = await Promise.all(all.filter(([, { shared }]) => shared).map((one) => ask(one, new Set())));
  const known = new Set(shared.flatMap(([, reading]) => pidsOf(reading)));
  const own = await Promise.all(all.filter(([, { shared }]) => !shared).map((one) => ask(one, known)));
  return new Map([...own, ...shared]);
}

function pidsOf(reading: Reading): number[] {
  if (reading.kind === 'unreadable') return [];
  return reading.objects.flatMap((o) => (o.kind === 'actual' && o.run.kind === 'running' ? [o.run.pid] : []));
}

/** With `strays: stop`, what runs a service's very command is taken for what the service supersedes. */
function withStrays(
  { services, policy }: Desired,
  inPlace: ReadonlyMap<ServiceId, InPlace>,
  { strays, conflicts }: Surroundings,
  means: LookMeans,
) {
  if (policy.strays !== 'stop') return { strays: strays.map(bare), conflicts };
  const places = new Map(inPlace);
  for (const { service: id, pid, start, exact, thing } of strays) {
    const service = services.find((one) => one.id === id);
    if (!exact || service === undefined) continue;
    const before = places.get(id) ?? placeOf(service, { policy }, means);
    const state: ThingState = { kind: 'there', processes: [{ pid, start }], enabled: false };
    places.set(id, { ...before, things: [...before.things, { thing, state, copy: true }] });
  }
  return { inPlace: places, strays: strays.filter(({ exact }) => !exact).map(bare), conflicts };
}

function bare({ service, pid, exact, by, why }: Surroundings['strays'][number]): Stray {
  return { service, pid, exact, by, why };
}

/** What stands in the way of a step: its definition, or that it can't be started here. */
export async function whyNot(step: Step, supervisor: Supervisor | undefined): Promise<Problem | undefined> {
  const service = step.target?.service;
  if (supervisor === undefined || service === undefined) return undefined;
  const starts = step.effect === 'start' || step.effect === 'restart';
  const [cannotStart, bad] = await Promise.all([
    starts ? supervisor.check(service) : undefined,
    step.files === undefined ? undefined : supervisor.judge?.(service),
  ]);
  return bad ?? cannotStart;
}

function namedBy(services: readonly Service[], names: readonly string[] = []): ReadonlySet<ServiceId> {
  return idsOf(services, expandGroups(names, services));
}

function idsOf(services: readonly Service[], names: readonly string[]): ReadonlySet<ServiceId> {
  return new Set(services.filter(({ id, name }) => names.includes(id) || names.includes(name)).map(({ id }) => id));
}

/**
 * The key under which digests of environment files are made, so that a digest tells nothing elsewhere. Before the first
 * apply there is none yet, and no digest to compare with: one for this run alone will do.
 */
export function hostKey(stateDir: string): Buffer {
  try {
    return readFileSync(join(stateDir, 'key'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return randomBytes(32);
    throw error;
  }
}
