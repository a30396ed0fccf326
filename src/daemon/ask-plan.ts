import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import type { Plan } from '../model.ts';
import { Failure } from '../problem.ts';
import { withSocketPath } from './socket.ts';
import type { PlanAnswer, PlanRequest } from './wire.ts';

/** ms. A daemon that is up hears a request at once, whatever it is at; */
const HEARING = 1000;
/** and no plan takes longer. */
const PLANNING = 60_000;

/**
 * The plan of the daemon that listens there, with all that was said against one as a Failure. Undefined where there is no
 * daemon, it is somebody else's, it sees something else than we do, or it does not answer: nobody is told, for we can plan
 * ourselves. The request is written by hand: what speaks HTTP takes longer to load than the answer to come.
 */
export async function askPlan(path: string, request: PlanRequest): Promise<Plan | undefined> {
  if (!isOurs(path)) return undefined;
  const answer = answerOf(await withSocketPath(path, (short) => exchange(short, JSON.stringify(request))));
  if (answer?.kind === 'problems') throw new Failure(...answer.problems);
  return answer?.kind === 'plan' ? answer.plan : undefined;
}

/** A socket that another user has put there would tell us what it likes. */
function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isSocket() === true && stat.uid === process.getuid?.();
}

/** All that comes until the end of the connection; what came so far where it breaks or takes too long. */
function exchange(path: string, body: string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(path);
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('utf8'));
    };
    let timer = setTimeout(done, HEARING);
    socket.once('error', done).once('close', done);
    socket.once('data', () => {
      clearTimeout(timer);
      timer = setTimeout(done, PLANNING);
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    const head = [
      'POST /v1/plan HTTP/1.0',
      'Host: reconciled',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
}

/** The answer in a response that came whole. */
function answerOf(response: string): PlanAnswer | undefined {
  if (!/^HTTP\/1\.[01] 200 /.test(response)) return undefined;
  try {
    const value: unknown = JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4));
    return isAnswer(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

// By hand and not by a schema, which would take longer to load than all the rest. It is of our own version.
function isAnswer(value: unknown): value is PlanAnswer {
  const { kind, plan, problems } = (value ?? {}) as { kind?: unknown; plan?: Partial<Plan> | null; problems?: unknown };
  if (kind === 'problems') return Array.isArray(problems) && problems.length > 0;
  const lists = [plan?.steps, plan?.held, plan?.notices];
  return kind === 'plan' && plan?.version === 1 && typeof plan.fingerprint === 'string' && lists.every(Array.isArray);
}
