import { existsSync } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { http } from '../host/http.ts';
import type { Event, Report } from '../model.ts';
import type { Operated, TouchEvent } from '../operate/operate.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { withSocketPath } from './socket.ts';
import type { ApplyRequest, Line, SyncAnswer, SyncRequest, TouchAsked, TouchLine } from './wire.ts';

/** Asks the daemon to apply, tells its events as they come, and waits for the report, or until it is told to stop waiting. */
export async function askApply(
  path: string,
  body: ApplyRequest,
  emit: (event: Event) => void,
  signal: AbortSignal,
): Promise<Report> {
  let report: Report | undefined;
  for await (const line of linesOf<Line>(await ask(path, 'POST', '/v1/apply', body), signal)) {
    if (line.kind === 'event') emit(line.event);
    else if (line.kind === 'problems') throw new Failure(...line.problems);
    else report = line.report;
  }
  if (report !== undefined) return report;
  throw new Failure(GONE);
}

/** The same for what is done to processes alone. */
export async function askTouch(
  path: string,
  { touch, names, desiredState, by, force }: TouchAsked,
  emit: (event: TouchEvent) => void,
  signal: AbortSignal,
): Promise<Operated> {
  const who = { desiredState, names, by };
  const body = touch.kind === 'reload' ? who : { ...who, signal: touch.signal, tree: touch.tree, force };
  let done: Operated | undefined;
  for await (const line of linesOf<TouchLine>(await ask(path, 'POST', `/v1/${touch.kind}`, body), signal)) {
    if (line.kind === 'event') emit(line.event);
    else if (line.kind === 'problems') throw new Failure(...line.problems);
    else done = line.done;
  }
  if (done !== undefined) return done;
  throw new Failure(GONE);
}

const GONE: Problem = {
  code: 'daemon-gone',
  summary: 'the daemon went away before it answered: what it had begun may be half done',
  hint: 'run `reconcile` again: it reads what is and finishes',
};

async function* linesOf<L>(answer: Readable, signal: AbortSignal): AsyncIterable<L> {
  let rest = '';
  for await (const chunk of untilAborted(answer, signal)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield JSON.parse(text) as L;
  }
}

/** What comes, until the end, a broken connection (then the report is missing) or the signal. */
async function* untilAborted(answer: Readable, signal: AbortSignal): AsyncIterable<string> {
  try {
    yield* addAbortSignal(signal, answer);
  } catch (error) {
    if (signal.aborted)
      throw new Failure({
        code: 'stopped-waiting',
        summary: 'stopped waiting: the daemon goes on with what it was asked',
        hint: '`reconcile status` tells how far it is',
      });
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
}

/** Has the daemon look again, and see what was decided. */
export async function askNudge(path: string, cause: string): Promise<void> {
  for await (const _ of await ask(path, 'POST', '/v1/nudge', { cause }));
}

/** Has the daemon look for a new commit, and apply it. */
export async function askSync(path: string, request: SyncRequest): Promise<SyncAnswer> {
  let text = '';
  for await (const chunk of await ask(path, 'POST', '/v1/sync', request)) text += chunk;
  return JSON.parse(text) as SyncAnswer;
}

/** Asks the daemon to end, with its services or without. */
export async function askStop(path: string, services: boolean): Promise<void> {
  for await (const _ of await ask(path, 'POST', '/v1/stop', { services }));
}

/** How long (ms) a daemon that has just taken its lock may need until it listens. */
const STARTING = 5000;

async function ask(path: string, method: 'GET' | 'POST', url: string, body?: unknown): Promise<Readable> {
  // Only who needs it to act waits for it; a status can be read without.
  const end = Date.now() + (method === 'POST' ? STARTING : 0);
  while (!existsSync(path) && Date.now() < end) await sleep(50);
  return withSocketPath(
    path,
    (socketPath) =>
      new Promise((resolve, reject) => {
        const failed = (error: unknown) =>
          reject(
            new Failure({
              code: 'daemon-unreachable',
              summary: `cannot reach the daemon on ${path}: ${why(error)}`,
              hint: 'it holds the lock of its runtime folder but does not answer: look at its log',
            }),
          );
        const call = http.request(
          { socketPath, method, path: url, headers: { 'content-type': 'application/json' } },
          (response) => {
            response.setEncoding('utf8');
            if ((response.statusCode ?? 500) < 400) return resolve(response);
            failed(new Error(`it answered ${response.statusCode}`));
          },
        );
        call.once('error', failed);
        call.end(body === undefined ? undefined : JSON.stringify(body));
      }),
  );
}
