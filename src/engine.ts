import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apply } from './apply.ts';
import type { Config } from './config.ts';
import { holdTimes } from './control/holds.ts';
import { approveWaiting, keepControl } from './control/keep.ts';
import { keepHolds } from './control/keep-holds.ts';
import { saveStopped } from './control/stopped.ts';
import { directoryOf, openDecisions, readUsed, saveOwner, saveUsed } from './decisions.ts';
import { type Cache, openCache } from './desired/cache.ts';
import { runtimeFolder } from './desired/instances.ts';
import { shutBy, waitFor } from './gates/ask.ts';
import { readWaits, saveWaits } from './gates/book.ts';
import { keepDuels } from './handover/duels.ts';
import { createHandOver } from './handover/index.ts';
import { writeAtomic } from './host/files.ts';
import { withInstances } from './instances.ts';
import { leavingInstances } from './leaving.ts';
import { marksAfter, marksBefore, newDrift, saveMarks } from './marks.ts';
import type { Desired, Event, HealthState, Observed, Report, ServiceId, Step, SupervisorName } from './model.ts';
import { gateWork } from './planner/gates.ts';
import { type Prepared, prepare } from './prepare.ts';
import { Failure, type Problem } from './problem.ts';
import type { Request } from './request.ts';
import { putInForce, type Read, readSource, readSourceAt } from './sources.ts';
import type { Supervisors } from './supervisors/index.ts';
import { supersedesUnits } from './thing.ts';
import { isDeclared, usedAfter } from './used.ts';
import { forgetOther } from './verify/decide.ts';
import { inForce } from './verify/in-force.ts';

/** What is known of the files of a desired state from earlier loads; `save` it once there is time to. */
export function openDesiredCache(config: Config): Cache {
  return openCache(join(config.stateDir, 'cache', 'desired.json'));
}

/** The desired state of the configured source, with the commit it is at. Fails with all its problems. */
export async function loadDesired(config: Config, given?: Cache): Promise<Desired> {
  const cache = given ?? openDesiredCache(config);
  const read = await readSource(config, cache);
  if (given === undefined) cache.save();
  return inForce(config, await desiredOf(config, read));
}

/** The desired state as of a commit of the source, nothing checked out and nothing quarantined. */
export async function loadDesiredAt(config: Config, commit: string, given?: Cache): Promise<Desired> {
  return desiredOf(config, await readSourceAt(config, commit, given ?? openDesiredCache(config)));
}

/** What was read, as it is to be planned. Fails with all its problems. */
export async function desiredOf(config: Config, { loaded, revision }: Read): Promise<Desired> {
  if (loaded.kind === 'invalid') throw new Failure(...loaded.problems);
  const leaving = await leavingInstances(config, loaded.desired);
  const instances = [...loaded.desired.instances, ...leaving];
  const desired = withInstances({ ...loaded.desired, instances }, runtimeFolder(), new Set(leaving));
  return { ...desired, revision: { ...desired.revision, ...revision } };
}

/** The supervisors that have to be looked at: those that Git names, and those that have something of ours. */
export function supervisorsInUse(config: Config, desired: Desired): ReadonlySet<SupervisorName> {
  const used = readUsed(config.stateDir).names.filter((name) => isDeclared(name, desired));
  const units = desired.services.some(({ written }) => supersedesUnits(written));
  const systemd: SupervisorName[] = units ? ['systemd'] : [];
  return new Set([...desired.services.map(({ supervisor }) => supervisor), ...used, ...systemd]);
}

/** What a run is told of its surroundings, and tells them. */
export interface RunMeans {
  readonly emit: (event: Event) => void;
  readonly signal: AbortSignal;
  readonly health: (id: ServiceId) => HealthState;
  /** Keeps what else is to be known of it, before anything is done. */
  readonly begin?: (prepared: Prepared) => void;
  /** Who changed these on the host, as far as was seen. */
  readonly who?: (services: readonly ServiceId[]) => Promise<ReadonlyMap<ServiceId, string>>;
}

/**
 * One whole run: reads, plans, keeps what can be applied as the last good state, and applies it. `begin` keeps what else is
 * to be known of it; `who` tells whose doing it is that services are not as they were.
 */
export async function converge(
  config: Config,
  loaded: Desired,
  supervisors: Supervisors,
  request: Request,
  {
    emit,
    signal,
    health,
    begin = ({ desired }) => forgetOther(config, desired),
    who = async () => new Map(),
  }: RunMeans,
): Promise<Report> {
  const decisions = openDecisions(config.stateDir, config.desiredState);
  const looked = await prepareApproved(config, loaded, supervisors, request, signal);
  if (request.expect !== undefined && request.expect !== looked.plan.fingerprint) {
    throw new Failure({
      code: 'stale-plan',
      summary: 'cannot apply this plan: the desired state or the host has changed since it was made; nothing was done',
      hint: 'look at what has changed with `reconcile --dry-run` and make a new plan',
    });
  }
  claimOwner(config, looked.desired, looked.observed, request.claim === true);
  // What runs in the tree of a commit may find there what it lacked; a saved plan is what was looked at all the same.
  const moved = !mustWait(looked) && putInForce(config, loaded.revision);
  const again = moved && request.expect === undefined;
  const prepared = again ? await prepare(config, loaded, supervisors, request, signal) : looked;
  const { plan, desired, observed, marks, wanted, only } = prepared;
  // Before anything is done: a full disk must not hide what was.
  begin(prepared);
  decisions.keep(loaded);
  const chosen = (id: ServiceId) => only.length === 0 || only.some((name) => isOf(id, name));
  const declared = new Set(desired.services.map(({ id }) => id));
  const endControl = keepControl(config.stateDir, prepared.control, { plan, observed, declared }, chosen);
  const { long } = holdTimes(desired.policy.written);
  const by = await who(newDrift(plan, marks));
  const begun = marksBefore(marks, wanted, plan, { now: Date.now(), long, by, released: prepared.released });
  saveMarks(config.stateDir, marks, begun);
  saveStopped(config.stateDir, prepared.stopped.before, prepared.stopped.now);
  keepDuels(config.stateDir, prepared.duels);
  saveWaits(config.stateDir, prepared.waits.before, prepared.waits.now);
  const endHolds = await keepHolds(config.stateDir, request, prepared, chosen);
  if (request.override !== undefined) emit({ kind: 'overridden', ...request.override });
  emit({ kind: 'planned', plan });
  const used = readUsed(config.stateDir);
  const now = usedAfter(used, desired, observed, plan, prepared.given);
  // Before anything of ours is there, lest it is forgotten; and only then what has nothing any more.
  const both = { ...now, names: [...new Set([...used.names, ...now.names])].sort() };
  saveUsed(config.stateDir, used, both);
  const handOver = createHandOver({ config, prepared, supervisors, emit, health });
  const report = await apply(plan, supervisors, emit, signal, handOver, gateKeeper(config, prepared, signal));
  saveUsed(config.stateDir, both, now);
  endControl(report);
  await endHolds(report);
  saveMarks(config.stateDir, begun, marksAfter(begun, wanted, chosen, report));
  return report;
}

/** Asks the gates of a step once more, right before it begins: a shut one is waited for from then on. */
function gateKeeper(
  { stateDir }: Config,
  { desired: { services }, definitions, plan }: Prepared,
  signal: AbortSignal,
): (step: Step) => Promise<Problem | undefined> {
  return async (step) => {
    const shut = await shutBy(step, { services, definitions, signal });
    if (shut === undefined) return undefined;
    const { id, words, why, gate } = shut;
    const work = gateWork(plan.steps.filter(({ gates }) => gates?.some(({ service }) => service === id)));
    const waits = readWaits(stateDir);
    saveWaits(stateDir, waits, { ...waits, [id]: waitFor(gate, work, waits[id], Date.now()) });
    const whose = id === step.service ? 'its gate' : `the gate of ${id}`;
    return {
      code: 'gate-shut',
      summary: `did not ${step.action} ${step.service}: ${whose} passed a moment ago, and does not any more (${words}): ${why}`,
      hint: 'it waits for it from now on: a daemon tries it again and again',
    };
  };
}

/** Nothing may be changed here now, and so not the files either that services run with the next time they start. */
function mustWait({ plan, control, desired }: Prepared): boolean {
  if (plan.steps.length > 0) return false;
  if (desired.policy.written.mode === 'observe') return true;
  if (plan.held.some(({ reason }) => 'waits' in reason)) return true;
  return control.override !== true && (control.freezes.length > 0 || control.windows?.shut({ name: '' }) !== undefined);
}

/** With what a person has just approved. It is written down before it is planned for: should we end, the next run does it. */
async function prepareApproved(
  config: Config,
  loaded: Desired,
  supervisors: Supervisors,
  request: Request,
  signal: AbortSignal,
): Promise<Prepared> {
  const prepared = await prepare(config, loaded, supervisors, request, signal);
  if (request.approve === undefined) return prepared;
  approveWaiting(config.stateDir, prepared.control, prepared.plan, request.approve);
  return prepare(config, loaded, supervisors, request, signal);
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
