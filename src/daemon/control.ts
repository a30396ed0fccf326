import { rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { http } from '../host/http.ts';
import type { Event, Report, Status } from '../model.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { withSocketPath } from './socket.ts';
import { ApplyRequest, bareEvent, bareReport, type Line, type PlanAnswer, PlanRequest, StopRequest } from './wire.ts';

/** What the daemon does for those who ask over its socket. */
export interface Handlers {
  status(): Promise<Status>;
  /** The plan that an apply would make now; throws what no client is to be told. */
  plan(request: PlanRequest): Promise<PlanAnswer>;
  apply(request: ApplyRequest, emit: (event: Event) => void): Promise<Report>;
  stop(services: boolean): void;
}

const LARGEST = 1 << 20;

/**
 * HTTP/1.1 and JSON on a UNIX socket (mode 0600). `GET /v1/status`, `POST /v1/plan`, `POST /v1/apply` (answers NDJSON
 * `Line`s as things happen), `POST /v1/stop`. A client that goes away changes nothing of what was begun.
 */
export async function serveControl(path: string, handlers: Handlers): Promise<AsyncDisposable> {
  // We hold the lock of this folder: a socket that is there is a dead daemon's.
  rmSync(path, { force: true });
  const server = http.createServer((request, response) => {
    answer(request, response, handlers).catch((error) => {
      if (response.headersSent) response.end();
      else json(response, 500, { problems: [{ code: 'defect', summary: why(error) }] });
    });
  });
  const before = process.umask(0o177);
  try {
    await withSocketPath(
      path,
      (short) => new Promise<void>((resolve, reject) => server.once('error', reject).listen(short, resolve)),
    );
  } finally {
    process.umask(before);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      rmSync(path, { force: true });
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, handlers: Handlers): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /v1/status':
      return json(response, 200, await handlers.status());
    case 'POST /v1/plan': {
      const body = await parse(request, response, PlanRequest);
      if (body === undefined) return;
      begin(response, 'application/json');
      response.end(`${JSON.stringify(await handlers.plan(body))}\n`);
      return;
    }
    case 'POST /v1/apply': {
      const body = await parse(request, response, ApplyRequest);
      return body === undefined ? undefined : stream(response, body, handlers);
    }
    case 'POST /v1/stop': {
      const body = await parse(request, response, StopRequest);
      if (body === undefined) return;
      json(response, 202, {});
      return handlers.stop(body.services);
    }
    default:
      return json(response, 404, {
        problems: [{ code: 'no-such-request', summary: `no such request: ${request.method} ${request.url}` }],
      });
  }
}

async function stream(response: ServerResponse, body: ApplyRequest, handlers: Handlers): Promise<void> {
  begin(response, 'application/x-ndjson');
  const send = (line: Line) => response.write(`${JSON.stringify(line)}\n`);
  try {
    const report = await handlers.apply(body, (event) => send({ kind: 'event', event: bareEvent(event) }));
    send({ kind: 'report', report: bareReport(report) });
  } catch (error) {
    const problems: readonly Problem[] =
      error instanceof Failure ? error.problems : [{ code: 'defect', summary: `cannot apply: ${why(error)}` }];
    send({ kind: 'problems', problems });
  }
  response.end();
}

/** Whoever asks is to know at once that it was heard: the answer may be long in coming. */
function begin(response: ServerResponse, type: string): void {
  response.writeHead(200, { 'content-type': type });
  response.flushHeaders();
}

async function parse<T>(
  request: IncomingMessage,
  response: ServerResponse,
  schema: z.ZodMiniType<T>,
): Promise<T | undefined> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > LARGEST) break;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const summary = `not a valid request: ${z.prettifyError(parsed.error)}`;
  json(response, 400, { problems: [{ code: 'bad-request', summary }] });
  return undefined;
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}
