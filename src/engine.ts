import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apply } from './apply.ts';
import { closest } from './closest.ts';
import type { Config } from './config.ts';
import { directoryOf, openDecisions, saveOwner } from './decisions.ts';
import { type Cache, openCache } from './desired/cache.ts';
import { readInputs } from './desired/inputs.ts';
import { load } from './desired/load.ts';
import { commitOf } from './desired/revision.ts';
import { loadYaml } from './desired/yaml.ts';
import { writeAtomic } from './host/files.ts';
import { collect } from './host/memory.ts';
import type {
  Definition,
  Desired,
  Event,
  Observed,
  Plan,
  Report,
  Service,
  ServiceId,
  SupervisorName,
} from './model.ts';
import { plan } from './planner.ts';
import { Failure, type Problem } from './problem.ts';
import { FIELDS } from './supervisors/index.ts';
import type { Supervisor } from './supervisors/supervisor.ts';

export type Supervisors = ReadonlyMap<SupervisorName, Supervisor>;

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
  const loaded = await load({ directory: config.desiredState, hostname: config.host, cache });
  if (given === undefined) cache.save();
  if (loaded.kind === 'invalid') throw new Failure(...loaded.problems);
  const { desired } = loaded;
  return { ...desired, revision: { ...desired.revision, ...(await commit) } };
}

/** Reads everything and plans; changes nothing. Fails with problems where there can be no plan at all. */
export async function prepare(
  config: Config,
  loaded: Desired,
  supervisors: Supervisors,
  request: Request,
  signal: AbortSignal,
): Promise<{ readonly plan: Plan; readonly desired: Desired; readonly observed: Observed }> {
  const inputs = readInputs(loaded.services, hostKey(config.stateDir));
  const desired: Desired = { ...loaded, services: inputs.services };
  const definitions = await define(desired, supervisors);
  const readings = [...supervisors].map(
    async ([name, supervisor]) => [name, await supervisor.observe(signal)] as const,
  );
  const observed: Observed = new Map(await Promise.all(readings));
  checkNames(desired, observed, request);
  const blocked = new Map(inputs.problems);
  const input = {
    desired,
    definitions,
    fields: FIELDS,
    observed,
    blocked,
    asked: idsOf(desired.services, request.asked),
    ...(request.only.length > 0 ? { only: new Set(request.only) } : {}),
  };
  const first = plan(input);
  // What can't start here must be known before anything is stopped for it, and in the dry run too.
  const found = await Promise.all(
    first.steps.map(async (step) => {
      const starts = step.target !== undefined && (step.effect === 'start' || step.effect === 'restart');
      const problem = starts ? await supervisors.get(step.supervisor)?.check(step.target.service) : undefined;
      return problem === undefined ? undefined : ([step.service, problem] as const);
    }),
  );
  for (const entry of found) if (entry !== undefined) blocked.set(...entry);
  return { plan: blocked.size > inputs.problems.size ? plan(input) : first, desired, observed };
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
  const { plan, desired, observed } = await prepare(config, loaded, supervisors, request, signal);
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
  emit({ kind: 'planned', plan });
  if (plan.steps.length > MANY) collect();
  return apply(plan, supervisors, emit, signal);
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

/** A service is one object as long as nothing of it changes, and its definition depends on nothing else. */
const definedBefore = new WeakMap<Service, Definition | Problem[]>();

async function define(desired: Desired, supervisors: Supervisors): Promise<ReadonlyMap<ServiceId, Definition>> {
  const definitions = new Map<ServiceId, Definition>();
  const refused: [Service, Problem][] = [];
  for (const service of desired.services) {
    if (service.state === 'absent') continue;
    const supervisor = supervisors.get(service.supervisor);
    if (supervisor === undefined) throw new Error(`no supervisor ${service.supervisor}`);
    const defined = definedBefore.get(service) ?? supervisor.define(service);
    definedBefore.set(service, defined);
    if (!Array.isArray(defined)) definitions.set(service.id, defined as Definition);
    else if ((service.instance ?? 1) === 1)
      refused.push(...defined.map((problem) => [service, problem] as [Service, Problem]));
  }
  if (refused.length === 0) return definitions;
  await loadYaml(); // positions are looked up in the files
  throw new Failure(...refused.map(([service, problem]) => placed(desired, service, problem)));
}

/** A problem about a field, with the place where the field was written. */
function placed(desired: Desired, service: Service, problem: Problem): Problem {
  const at = problem.field === undefined ? undefined : desired.locate(service.id, problem.field.split('.'));
  return at === undefined ? problem : { ...problem, at };
}

/** All definition problems of a desired state, for `validate`. */
export async function definitionProblems(desired: Desired, supervisors: Supervisors): Promise<readonly Problem[]> {
  try {
    await define(desired, supervisors);
    return [];
  } catch (error) {
    if (error instanceof Failure) return error.problems;
    throw error;
  }
}

function checkNames(desired: Desired, observed: Observed, request: Request): void {
  const declared = desired.services.flatMap(({ id, name }) => [id, name]);
  const held = [...observed.values()].flatMap((reading) =>
    reading.kind === 'read' ? reading.objects.map((o) => o.id) : [],
  );
  const problems: Problem[] = [];
  const unknown = (name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    const near = closest(name, known);
    const hint = near === undefined ? '`reconcile status` lists them' : `did you mean '${near}'?`;
    problems.push({ code: 'unknown-service', summary: `no service is called '${name}'`, hint });
  };
  // What is asked to start is the whole of such a request, and is told below.
  for (const name of request.only) if (!request.asked.includes(name)) unknown(name, [...declared, ...held]);
  for (const name of request.asked) {
    unknown(name, declared);
    const service = desired.services.find((s) => (s.id === name || s.name === name) && s.state !== 'running');
    if (service === undefined || service.state === 'manual') continue;
    const summary = `cannot start ${name}: its desired state is '${service.state}'`;
    problems.push({ code: 'not-to-run', summary, hint: `set \`state: running\` in ${service.file}` });
  }
  if (problems.length > 0) throw new Failure(...problems);
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
