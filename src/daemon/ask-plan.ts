import { lstatSync } from 'node:fs';
import type { Plan } from '../model.ts';
import { Failure } from '../problem.ts';
import { exchange } from './exchange.ts';
import type { PlanAnswer, PlanRequest } from './wire.ts';

/** ms. A daemon that is up hears a request at once, whatever it is at; */
const HEARING = 1000;
/** and no plan takes longer. */
const PLANNING = 60_000;

/**
 * The plan of the daemon that listens there, with all that was said against one as a Failure. Undefined where there is no
 * daemon, it is somebody else's, it sees something else than we do, or it does not answer: nobody is told, for we can plan
 * ourselves. What speaks HTTP takes longer to load than the answer to come.
 */
export async function askPlan(path: string, request: PlanRequest): Promise<Plan | undefined> {
  if (!isOurs(path)) return undefined;
  const answer = answerOf(
    await exchange(path, 'POST', '/v1/plan', { hearing: HEARING, whole: PLANNING }, JSON.stringify(request)),
  );
  if (answer?.kind === 'problems') throw new Failure(...answer.problems);
  return answer?.kind === 'plan' ? answer.plan : undefined;
}

/** A socket that another user has put there would tell us what it likes. */
function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isSocket() === true && stat.uid === process.getuid?.();
}

/** The answer in a response that came whole. */
function answerOf(value: unknown): PlanAnswer | undefined {
  return isAnswer(value) ? value : undefined;
}

// By hand and not by a schema, which would take longer to load than all the rest. It is of our own version.
function isAnswer(value: unknown): value is PlanAnswer {
  const { kind, plan, problems } = (value ?? {}) as { kind?: unknown; plan?: Partial<Plan> | null; problems?: unknown };
  if (kind === 'problems') return Array.isArray(problems) && problems.length > 0;
  const lists = [plan?.steps, plan?.held, plan?.notices];
  return kind === 'plan' && plan?.version === 1 && typeof plan.fingerprint === 'string' && lists.every(Array.isArray);
}
