import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { http, https } from '../host/http.ts';
import { unreachable, why } from '../problem.ts';
import { formatDuration } from '../units.ts';
import type { Probe, RunAs } from './health.ts';

/** Undefined: it passed; else why it did not. */
export type Verdict = string | undefined;

/** How much of an answer's body is taken, so as not to break a server's writing, before the connection is cut. */
const BODY = 64 * 1024;

/** One try of a probe. Never rejects; ends at its timeout, or at once when the signal aborts. */
export async function tryProbe(probe: Probe, as: RunAs, signal: AbortSignal): Promise<Verdict> {
  const timeout = AbortSignal.timeout(probe.timeout);
  const either = AbortSignal.any([signal, timeout]);
  try {
    const verdict = await tryTarget(probe.target, as, either);
    return either.aborted && verdict !== undefined ? ended(timeout, probe) : verdict;
  } catch (error) {
    return either.aborted ? ended(timeout, probe) : why(error);
  }
}

function ended(timeout: AbortSignal, probe: Probe): string {
  return timeout.aborted ? `no result within ${formatDuration(probe.timeout)}` : 'interrupted';
}

function tryTarget(target: Probe['target'], as: RunAs, signal: AbortSignal): Promise<Verdict> {
  switch (target.kind) {
    case 'http':
      return tryHttp(target.url, target.status, signal);
    case 'tcp':
      return tryTcp(target.host, target.port, signal);
    case 'exec':
      return tryExec(target.command, as, signal);
    default:
      return unreachable(target);
  }
}

/** The status alone decides, as soon as it is there; redirects are not followed. */
async function tryHttp(url: string, wanted: number | undefined, signal: AbortSignal): Promise<Verdict> {
  const { get } = url.startsWith('https:') ? https : http;
  const request = get(url, { agent: false, signal, headers: { 'user-agent': 'reconciled', connection: 'close' } });
  // What goes wrong once the status is there, the cut below among it, is of no interest.
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let taken = 0;
  response
    .on('error', () => {})
    .on('data', (chunk: Buffer) => {
      taken += chunk.length;
      if (taken > BODY) response.destroy();
    });
  const status = response.statusCode ?? 0;
  if (wanted !== undefined) return status === wanted ? undefined : `status ${status}, not ${wanted}`;
  return status >= 200 && status < 400 ? undefined : `status ${status}`;
}

async function tryTcp(host: string, port: number, signal: AbortSignal): Promise<Verdict> {
  const socket = new Socket({ signal });
  try {
    socket.connect({ host, port });
    await once(socket, 'connect');
    return undefined;
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

/** Output goes nowhere: it may be endless, and may hold what no status should show. */
async function tryExec(command: readonly string[], as: RunAs, signal: AbortSignal): Promise<Verdict> {
  const [program = '', ...args] = [...as.prefix, ...command];
  // A process group of its own, so that on timeout nothing of it stays.
  const child = spawn(program, args, { cwd: as.directory, env: as.environment, detached: true, stdio: 'ignore' });
  const kill = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  };
  signal.addEventListener('abort', kill);
  try {
    if (signal.aborted) kill();
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return undefined;
    return code === null ? `ended by ${killedBy}` : `exit code ${code}`;
  } catch (error) {
    return `cannot run ${command[0]}: ${why(error)}`;
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
