import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAbandoned } from './abandoned.ts';
import { apply } from './apply.ts';
import { checkNames } from './check-names.ts';
import type { Config } from './config.ts';
import { directoryOf, openDecisions, readUsed, saveOwner, saveUsed } from './decisions.ts';
import { define } from './definitions.ts';
import { type Cache, openCache } from './desired/cache.ts';
import { readInputs } from './desired/inputs.ts';
import { runtimeFolder } from './desired/instances.ts';
import { load } from './desired/load.ts';
import { commitOf } from './desired/revision.ts';
import { expandGroups } from './groups.ts';
import { writeAtomic } from './host/files.ts';
import { collect } from './host/memory.ts';
import { withInstances } from './instances.ts';
import {
  holdsOf,
  type Marks,
  marksAfter,
  marksBefore,
  readMarks,
  saveMarks,
  settledOf,
  untriedOf,
  wantedDigest,
  withRestarting,
} from './marks.ts';
import type {
  Desired,
  Event,
  Observed,
  Plan,
  Reading,
  Report,
  Service,
  ServiceId,
  Step,
  SupervisorName,
} from './model.ts';
import { plan as makePlan } from './planner.ts';
import { Failure, type Problem } from './problem.ts';
import { withServiceFiles } from './service-files.ts';
import type { Supervisors } from './supervisors/index.ts';
import type { Also, Supervisor } from './supervisors/supervisor.ts';
import { isDeclared, usedAfter } from './used.ts';

/** What one run is asked to do, besides making everything as Git says. */
export interface Request {
  /** Only these services (names or ids); all where empty. */
  readonly only: readonly string[];
  /** Services a person asks to start, though they wait for a first start, are FATAL or HELD. */
  readonly asked: readonly string[];
  /** The fingerprint of a saved plan: anything else is refused. */
  readonly expect?: string;
  /** Take over an owner name that belonged to another desired-state directory. */
  readonly claim?: boolean;
  /** What waits for the next start of its process is to take effect now. */
  readonly restartStaged?: boolean;
  /** Nothing is going to be applied. */
  readonly looking?: boolean;
}

export const EVERYTHING: Request = { only: [], asked: [] };

/** What is known of the files of a desired state from earlier loads; `save` it once there is time to. */
export function openDesiredCache(config: Config): Cache {
  return openCache(join(config.stateDir, 'cache', 'desired.json'));
}

/** The desired state of the configured directory, with the commit it is at. Fails with all its problems. */
export async function loadDesired(config: Config, given?: Cache): Promise<Desired> {
  const commit = commitOf(config.desiredState);
  const cache = given ?? openDesiredCache(config);
  const { desiredState: directory, host: hostname, logDir } = config;
  const loaded = await load({ directory, hostname, logDir, cache });
  if (given === undefined) cache.save();
  if (loaded.kind === 'invalid') throw new Failure(...loaded.problems);
  const desired = withInstances(loaded.desired, runtimeFolder());
  return { ...desired, revision: { ...desired.revision, ...(await commit) } };
}

/** The supervisors that have to be looked at: those that Git names, and those that have something of ours. */
export function supervisorsInUse(config: Config, desired: Desired): ReadonlySet<SupervisorName> {
  const used = readUsed(config.stateDir).names.filter((name) => isDeclared(name, desired));
  return new Set([...desired.services.map(({ supervisor }) => supervisor), ...used]);
}

interface Prepared {
  readonly plan: Plan;
  readonly desired: Desired;
  readonly observed: Observed;
  readonly marks: Marks;
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
  checkAbandoned(readUsed(config.stateDir).instances, loaded);
  const only = expandGroups(request.only, loaded.services);
  const asked = expandGroups(request.asked, loaded.services, true);
  const inputs = readInputs(loaded.services, hostKey(config.stateDir));
  const desired: Desired = { ...loaded, services: inputs.services };
  const defined = await define(desired, supervisors);
  const marks = readMarks(config.stateDir);
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
  const input = {
    desired,
    definitions,
    fields: new Map([...supervisors].map(([name, { fields }]) => [name, fields])),
    observed,
    blocked,
    settled: settledOf(marks, wanted),
    untried: untriedOf(marks, wanted),
    holds: holdsOf(marks, Date.now()),
    asked: idsOf(desired.services, asked),
    restartStaged: request.restartStaged === true,
    ...(only.length > 0 ? { only: new Set(only) } : {}),
  };
  const first = makePlan(input);
  // What can't start here must be known before anything is stopped for it, and in the dry run too.
  const found = await Promise.all(
    first.steps.map(async (step) => {
      const problem = await whyNot(step, supervisors.get(step.supervisor));
      return problem === undefined ? undefined : ([step.service, problem] as const);
    }),
  );
  for (const entry of found) if (entry !== undefined) blocked.set(...entry);
  const plan = found.some((entry) => entry !== undefined) ? makePlan(input) : first;
  return { plan, desired, observed, marks, wanted, only };
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

/** What stands in the way of a step: its definition, or that it can't be started here. */
async function whyNot(step: Step, supervisor: Supervisor | undefined): Promise<Problem | undefined> {
  const service = step.target?.service;
  if (supervisor === undefined || service === undefined) return undefined;
  const starts = step.effect === 'start' || step.effect === 'restart';
  const [cannotStart, bad] = await Promise.all([
    starts ? supervisor.check(service) : undefined,
    step.files === undefined ? undefined : supervisor.judge?.(service),
  ]);
  return bad ?? cannotStart;
}

/** So many steps that what reading and planning left behind would slow them down. */
const MANY = 200;

/** One whole run: reads, plans, keeps what can be applied as the last good state, and applies it. */
export async function converge(
  config: Config,
  loaded: Desired,
  supervisors: Supervisors,
  request: Request,
  emit: (event: Event) => void,
  signal: AbortSignal,
): Promise<Report> {
  const decisions = openDecisions(config.stateDir, config.desiredState);
  const { plan, desired, observed, marks, wanted, only } = await prepare(config, loaded, supervisors, request, signal);
  if (request.expect !== undefined && request.expect !== plan.fingerprint) {
    throw new Failure({
      code: 'stale-plan',
      summary: 'cannot apply this plan: the desired state or the host has changed since it was made; nothing was done',
      hint: 'look at what has changed with `reconcile --dry-run` and make a new plan',
    });
  }
  claimOwner(config, desired, observed, request.claim === true);
  // Before anything is done: a full disk must not hide what was.
  decisions.keep(loaded);
  const begun = marksBefore(marks, wanted, plan, Date.now());
  saveMarks(config.stateDir, marks, begun);
  emit({ kind: 'planned', plan });
  if (plan.steps.length > MANY) collect();
  const used = readUsed(config.stateDir);
  const now = usedAfter(used, desired, observed, plan);
  // Before anything of ours is there, lest it is forgotten; and only then what has nothing any more.
  const both = { ...now, names: [...new Set([...used.names, ...now.names])].sort() };
  saveUsed(config.stateDir, used, both);
  const report = await apply(plan, supervisors, emit, signal);
  saveUsed(config.stateDir, both, now);
  const chosen = (id: ServiceId) => only.length === 0 || only.some((name) => isOf(id, name));
  saveMarks(config.stateDir, begun, marksAfter(begun, wanted, chosen, report));
  return report;
}

function isOf(id: ServiceId, name: string): boolean {
  return id === name || id.split('@')[0] === name;
}

/** Refuses a second desired-state directory under an owner's name while something of the first is left here. */
export function checkOwner(config: Config, desired: Desired, observed: Observed): void {
  const { owner } = desired.policy;
  const before = directoryOf(config.stateDir, owner);
  if (before === undefined || before === config.desiredState) return;
  const left = [...observed.values()].some(
    (reading) => reading.kind === 'read' && reading.objects.some((o) => o.kind === 'actual' && o.owner.kind === 'ours'),
  );
  if (!left) return;
  throw new Failure({
    code: 'owner-taken',
    summary: `cannot use ${config.desiredState}: what '${owner}' owns on this host belongs to ${before}`,
    hint: `give one of the two another owner in its policy.yaml, or, if the directory moved, take over with --claim`,
  });
}

function claimOwner(config: Config, desired: Desired, observed: Observed, claim: boolean): void {
  if (!claim) checkOwner(config, desired, observed);
  saveOwner(config.stateDir, desired.policy.owner, config.desiredState);
}

function idsOf(services: readonly Service[], names: readonly string[]): ReadonlySet<ServiceId> {
  return new Set(services.filter(({ id, name }) => names.includes(id) || names.includes(name)).map(({ id }) => id));
}

/**
 * The key under which digests of environment files are made, so that a digest tells nothing elsewhere. Before the first
 * apply there is none yet, and no digest to compare with: one for this run alone will do.
 */
function hostKey(stateDir: string): Buffer {
  try {
    return readFileSync(join(stateDir, 'key'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return randomBytes(32);
    throw error;
  }
}

/** Makes the host key where there is none; called by whoever is about to apply. */
export function ensureHostKey(stateDir: string): void {
  const path = join(stateDir, 'key');
  try {
    readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    writeAtomic(path, randomBytes(32).toString('hex'), { sync: true });
  }
}
