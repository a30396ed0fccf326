import packageJson from '../../package.json' with { type: 'json' };
import type { Config } from '../config.ts';
import { checkOwner, supervisorsInUse } from '../engine.ts';
import type { Desired } from '../model.ts';
import { prepare } from '../prepare.ts';
import { Failure } from '../problem.ts';
import { EVERYTHING, type Request } from '../request.ts';
import type { Registry } from '../supervisors/index.ts';
import { barePlan, type PlanAnswer, type PlanRequest } from './wire.ts';

/** What a daemon has at hand for a dry run. */
export interface Hand {
  readonly config: Config;
  /** What Git says now. */
  readonly load: () => Promise<Desired>;
  /** Whose services it looks after. */
  readonly owner: string;
  readonly registry: Pick<Registry, 'taken'>;
  /** What failing probes want done. */
  readonly unwell: () => NonNullable<Request['unwell']>;
  readonly signal: AbortSignal;
}

const OTHER: PlanAnswer = { kind: 'other' };

/**
 * The plan that an apply would make now, read anew: what was last good is no answer to what is there. It waits for
 * nothing that is under way and does nothing, not even for what it sees. What whoever asks would see otherwise, with
 * other settings, another owner or a supervisor that was never looked at here, is for him to plan.
 */
export async function foretell(hand: Hand, request: PlanRequest): Promise<PlanAnswer> {
  const { config, load, owner, registry, signal } = hand;
  if (!isSame(config, request)) return OTHER;
  try {
    const desired = await load();
    if (desired.policy.owner !== owner) return OTHER;
    const taken = () => registry.taken(supervisorsInUse(config, desired), desired.instances);
    const supervisors = taken();
    if (supervisors === undefined) return OTHER;
    const { only, claim, restartStaged, override, approved } = request;
    const passes = override ? { override: { why: '', by: '' } } : {};
    const asked = { ...EVERYTHING, only, restartStaged, approved, ...passes, unwell: hand.unwell(), looking: true };
    const prepared = await prepare(config, desired, supervisors, asked, signal);
    // What was closed under way had no more to say.
    const after = taken();
    if (signal.aborted || [...supervisors].some(([name, one]) => after?.get(name) !== one)) return OTHER;
    if (!claim) checkOwner(config, prepared.desired, prepared.observed);
    return { kind: 'plan', plan: barePlan(prepared.plan) };
  } catch (error) {
    if (error instanceof Failure) return { kind: 'problems', problems: error.problems };
    throw error;
  }
}

function isSame(config: Config, request: PlanRequest): boolean {
  const { version, desiredState, stateDir, logDir, host } = request;
  return (
    version === packageJson.version &&
    desiredState === config.desiredState &&
    stateDir === config.stateDir &&
    logDir === config.logDir &&
    host === config.host
  );
}
