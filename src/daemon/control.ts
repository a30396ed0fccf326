import { chmodSync, chownSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { http } from '../host/http.ts';
import type { Events, EventsWanted } from '../journal/events.ts';
import type { Event, Report, Status } from '../model.ts';
import type { Operated, TouchEvent } from '../operate/operate.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { begin, json, refuse } from './answer.ts';
import { withSocketPath } from './socket.ts';
import { tellEvents } from './tell-events.ts';
import {
  ApplyRequest,
  bareEvent,
  bareReport,
  type Line,
  NudgeRequest,
  type PlanAnswer,
  PlanRequest,
  ReloadRequest,
  SignalRequest,
  StopRequest,
  type SyncAnswer,
  SyncRequest,
  type TouchAsked,
  type TouchLine,
} from './wire.ts';

/** What the daemon does for those who ask over its socket. */
export interface Handlers {
  status(): Promise<Status>;
  /** The plan that an apply would make now; throws what no client is to be told. */
  plan(request: PlanRequest): Promise<PlanAnswer>;
  apply(request: ApplyRequest, emit: (event: Event) => void): Promise<Report>;
  nudge(cause: string): void;
  /** What happened, and what happens. */
  events(wanted: EventsWanted): Events;
  /** Looks for a new commit, and applies it. */
  sync(request: SyncRequest): Promise<SyncAnswer>;
  /** Signals what runs, or has it read its settings anew. */
  touch(request: TouchAsked, emit: (event: TouchEvent) => void): Promise<Operated>;
  stop(services: boolean): void;
}

/** A body larger than this (bytes) is nobody's request. */
const LARGEST = 1 << 20;

/** One thing that can be asked for. What reads (GET) is answered on the read-only socket too. */
export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** What stands behind a `?` is for the route to judge. */
  readonly query?: true;
  readonly answer: (handlers: Handlers, request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

/** All of them; each is described in docs/openapi.yaml. */
export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/status',
    answer: async (handlers, _, response) => json(response, 200, await handlers.status()),
  },
  {
    method: 'GET',
    path: '/v1/events',
    query: true,
    answer: tellEvents,
  },
  {
    method: 'POST',
    path: '/v1/plan',
    answer: async (handlers, request, response) => {
      const body = await parse(request, response, PlanRequest);
      if (body === undefined) return;
      begin(response, 'application/json');
      response.end(`${JSON.stringify(await handlers.plan(body))}\n`);
    },
  },
  {
    method: 'POST',
    path: '/v1/apply',
    answer: async (handlers, request, response) => {
      const body = await parse(request, response, ApplyRequest);
      if (body === undefined) return;
      await stream<Line>(response, 'apply', async (send) => {
        const report = await handlers.apply(body, (event) => send({ kind: 'event', event: bareEvent(event) }));
        send({ kind: 'report', report: bareReport(report) });
      });
    },
  },
  {
    method: 'POST',
    path: '/v1/reload',
    answer: async (handlers, request, response) => {
      const body = await parse(request, response, ReloadRequest);
      if (body !== undefined) await touch(handlers, response, { ...body, touch: { kind: 'reload' }, force: false });
    },
  },
  {
    method: 'POST',
    path: '/v1/signal',
    answer: async (handlers, request, response) => {
      const body = await parse(request, response, SignalRequest);
      if (body === undefined) return;
      const { signal, tree = false, force = false, ...who } = body;
      await touch(handlers, response, { ...who, touch: { kind: 'signal', signal, tree }, force });
    },
  },
  {
    method: 'POST',
    path: '/v1/nudge',
    answer: async (handlers, request, response) => {
      const body = await parse(request, response, NudgeRequest);
      if (body === undefined) return;
      json(response, 202, {});
      handlers.nudge(body.cause);
    },
  },
  {
    method: 'POST',
    path: '/v1/sync',
    answer: async (handlers, request, response) => {
      const body = await parse(request, response, SyncRequest);
      if (body === undefined) return;
      begin(response, 'application/json');
      response.end(`${JSON.stringify(await handlers.sync(body))}\n`);
    },
  },
  {
    method: 'POST',
    path: '/v1/stop',
    answer: async (handlers, request, response) => {
      const body = await parse(request, response, StopRequest);
      if (body === undefined) return;
      json(response, 202, {});
      handlers.stop(body.services);
    },
  },
];

/** Who may ask: on a socket that only reads, nobody can change a thing. */
export type Access = { readonly kind: 'all' } | { readonly kind: 'read'; readonly group: number };

/**
 * HTTP/1.1 and JSON on a UNIX socket: `ROUTES`, for its own user (mode 0600), or what of them reads, for a group (0660).
 * An apply is answered by NDJSON `Line`s as things happen. A client that goes away changes nothing of what was begun.
 */
export async function serveControl(path: string, handlers: Handlers, access: Access): Promise<AsyncDisposable> {
  // We hold the lock of this folder: a socket that is there is a dead daemon's.
  rmSync(path, { force: true });
  const server = http.createServer((request, response) => {
    answer(request, response, handlers, access).catch((error) => {
      if (response.headersSent) response.end();
      else refuse(response, 500, { code: 'defect', summary: why(error) });
    });
  });
  // What is no HTTP, or has headers without end: told in the same form as the rest.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return void socket.destroy();
    const text = `${JSON.stringify({ problems: [{ code: 'bad-request', summary: `not a valid request: ${why(error)}` }] })}\n`;
    socket.end(
      `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
    );
  });
  const before = process.umask(0o177);
  try {
    await withSocketPath(
      path,
      (short) => new Promise<void>((resolve, reject) => server.once('error', reject).listen(short, resolve)),
    );
    if (access.kind === 'read') {
      chownSync(path, -1, access.group);
      chmodSync(path, 0o660);
    }
  } catch (error) {
    server.close();
    rmSync(path, { force: true });
    throw error;
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

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: Handlers,
  access: Access,
): Promise<void> {
  const { method = '', url = '' } = request;
  const there = ROUTES.filter(({ path, query }) => path === (query ? url.split('?', 1)[0] : url));
  const allowed = there.filter((route) => access.kind === 'all' || route.method === 'GET');
  const route = allowed.find((route) => route.method === method);
  if (route !== undefined) return route.answer(handlers, request, response);
  const [first] = there;
  if (first === undefined) {
    const summary = `no such request: ${method} ${url}`;
    return refuse(response, 404, { code: 'no-such-request', summary, hint: 'docs/api.md tells what there is' });
  }
  response.setHeader('allow', allowed.map((route) => route.method).join(', '));
  if (there.some((route) => route.method === method)) {
    const summary = `cannot ${method} ${url} here: this socket only tells what is`;
    return refuse(response, 405, { code: 'read-only', summary, hint: 'ask as the user of the daemon (root)' });
  }
  const hint = `it takes ${there.map((route) => route.method).join(' and ')}`;
  refuse(response, 405, { code: 'no-such-method', summary: `cannot ${method} ${url}`, hint });
}

function touch(handlers: Handlers, response: ServerResponse, asked: TouchAsked): Promise<void> {
  return stream<TouchLine>(response, asked.touch.kind, async (send) => {
    send({ kind: 'done', done: await handlers.touch(asked, (event) => send({ kind: 'event', event })) });
  });
}

/** An answer that comes as things happen, one line after another. */
async function stream<L>(
  response: ServerResponse,
  verb: string,
  act: (send: (line: L) => void) => Promise<void>,
): Promise<void> {
  begin(response, 'application/x-ndjson');
  const send = (line: unknown) => response.write(`${JSON.stringify(line)}\n`);
  try {
    await act(send);
  } catch (error) {
    const problems: readonly Problem[] =
      error instanceof Failure ? error.problems : [{ code: 'defect', summary: `cannot ${verb}: ${why(error)}` }];
    send({ kind: 'problems', problems });
  }
  response.end();
}

async function parse<T>(
  request: IncomingMessage,
  response: ServerResponse,
  schema: z.ZodMiniType<T>,
): Promise<T | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // To leave early must not end the connection: its answer is still to be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST) {
      const summary = `not a valid request: its body is larger than ${LARGEST} bytes`;
      response.setHeader('connection', 'close');
      refuse(response, 413, { code: 'too-large', summary });
      return undefined;
    }
    chunks.push(chunk);
  }
  const parsed = schema.safeParse(parseJson(Buffer.concat(chunks).toString()));
  if (parsed.success) return parsed.data;
  refuse(response, 400, { code: 'bad-request', summary: `not a valid request: ${z.prettifyError(parsed.error)}` });
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
