import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import { http, https } from '../../host/http.ts';
import { READ } from '../../patterns.ts';
import { type Attempt, type Cancel, type Done, OVER } from '../attempt.ts';
import type { HttpTarget } from '../health.ts';
import { lookup } from './lookup.ts';
import { netWords } from './net-words.ts';

/**
 * ms. Connections that nobody used for so long are closed; and so long the rest of an answer is waited for of which enough
 * is known, so that its connection can be used again.
 */
const IDLE = 120_000;
const REST = 1000;

const BROKEN_OFF = 'it closed the connection in the middle of its answer';

/** A thousand tries a second take a tenth of a core with these: nothing smaller of our own is needed. */
const agents = new Map<boolean, Agent>();

/** One for all: connections are kept by host, port and, with TLS, by what is accepted there. */
function agentFor(secure: boolean): Agent {
  const agent = agents.get(secure) ?? new (secure ? https() : http).Agent({ keepAlive: true, timeout: IDLE });
  agents.set(secure, agent);
  return agent;
}

/**
 * Asks for a URL; redirects are not followed. The status decides, as soon as it is there; with `reads` the first 64 KiB of
 * the answer are given too, and the connection is kept where no more than that came.
 */
export function httpAttempt({ url, status, headers, insecure }: HttpTarget, reads: boolean): Attempt {
  const secure = url.startsWith('https:');
  let options: RequestOptions;
  try {
    options = {
      ...urlToHttpOptions(new URL(url)),
      agent: agentFor(secure),
      lookup,
      headers: { 'user-agent': 'reconciled', ...headers },
      ...(insecure === true ? { rejectUnauthorized: false } : {}),
    };
  } catch (error) {
    return invalid(error);
  }
  return (_, done) => exchange(secure, options, status, reads, done);
}

function invalid(error: unknown): Attempt {
  return (_, done) => {
    done(netWords(error, ''));
    return OVER;
  };
}

function exchange(
  secure: boolean,
  options: RequestOptions,
  wanted: number | undefined,
  reads: boolean,
  done: Done,
): Cancel {
  let tell: Done | undefined = done;
  let request: ClientRequest;
  let response: IncomingMessage | undefined;
  const end: Done = (failure, text) => {
    const told = tell;
    tell = undefined;
    told?.(failure, text);
  };
  const failed = (error: unknown) => end(netWords(error, options.hostname ?? ''));
  const begin = (agent: Agent | false | undefined) => {
    try {
      request = (secure ? https() : http).get({ ...options, ...(agent === undefined ? {} : { agent }) });
    } catch (error) {
      return failed(error);
    }
    request
      .on('error', (error: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        // The server had closed what was kept: that says nothing of how it is now. Asked again on a new one.
        if (stale && response === undefined && tell !== undefined && agent === undefined) begin(false);
        else if (response !== undefined) end(BROKEN_OFF);
        else failed(error);
      })
      .on('response', (answer) => {
        response = answer;
        const failure = judge(answer.statusCode ?? 0, wanted);
        const early = failure !== undefined || !reads;
        if (early) end(failure);
        take(request, answer, early, (problem, text) => end(problem, text));
      });
  };
  begin(undefined);
  return (within) => {
    tell = undefined;
    const waited = waitedFor(request, response);
    request?.destroy();
    return `${waited} ${within}`;
  };
}

function judge(status: number, wanted: number | undefined): string | undefined {
  if (wanted !== undefined) return status === wanted ? undefined : `status ${status}, not ${wanted}`;
  return status >= 200 && status < 400 ? undefined : `status ${status}`;
}

/** Takes no more than what may be read of an answer; what is longer or slower than that costs it its connection. */
function take(request: ClientRequest, response: IncomingMessage, early: boolean, done: Done): void {
  const chunks: Buffer[] = [];
  let taken = 0;
  const end = () => done(undefined, early ? '' : Buffer.concat(chunks).subarray(0, READ).toString('utf8'));
  const patience = early ? setTimeout(() => request.destroy(), REST).unref() : undefined;
  response
    .on('data', (chunk: Buffer) => {
      taken += chunk.length;
      if (!early) chunks.push(chunk);
      if (taken <= READ) return;
      end();
      request.destroy();
    })
    .on('end', end)
    .on('error', () => done(BROKEN_OFF))
    .on('close', () => clearTimeout(patience));
}

function waitedFor(request: ClientRequest | undefined, response: IncomingMessage | undefined): string {
  if (response !== undefined) return 'no end of its answer';
  const socket = request?.socket as TLSSocket | null | undefined;
  if (!socket || socket.connecting) return 'no connection';
  // Encrypted, but nothing agreed on yet.
  return socket.encrypted && socket.getCipher()?.name === undefined ? 'no TLS' : 'no answer';
}
