import type { Agent, IncomingMessage } from 'node:http';
import * as z from 'zod/mini';
import { http } from '../../host/http.ts';
import type { ServiceId } from '../../model.ts';
import { why } from '../../problem.ts';
import { batched } from './batch.ts';
import { Fault } from './fault.ts';
import { decodeReply, encodeCall, type Value } from './xmlrpc.ts';

export { Fault } from './fault.ts';

/** Where a supervisord listens. */
export type Address = (
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
) & { readonly user?: string; readonly password?: string };

/** It did not answer in time. */
export class Silent extends Error {}

/** ms. It answers one request after another; a look at a thousand programs takes it a second. */
const LIMIT = 60_000;

export interface Client extends Disposable {
  /** Throws a `Fault`, `Silent`, or what the system says. */
  call(method: string, params: readonly Value[], timeout?: number): Promise<Value>;
}

/** A client that keeps its connection. */
export function createClient(address: Address): Client {
  const agent: Agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const to = address.kind === 'socket' ? { socketPath: address.path } : { host: address.host, port: address.port };
  const auth = address.user === undefined ? {} : { auth: `${address.user}:${address.password ?? ''}` };
  const ask = (body: string, timeout: number): Promise<string> =>
    new Promise<string>((resolve, reject) => {
      const headers = { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) };
      const request = http.request({ ...to, ...auth, agent, method: 'POST', path: '/RPC2', headers }, (response) => {
        textOf(response).then((text) => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(STATUS[response.statusCode ?? 0] ?? `it answered ${response.statusCode}`));
        }, reject);
      });
      const timer = setTimeout(
        () => request.destroy(new Silent(`it did not answer within ${timeout / 1000} s`)),
        timeout,
      );
      request.on('close', () => clearTimeout(timer));
      request.on('error', (error: NodeJS.ErrnoException) => {
        // It has closed the connection that was kept, unseen until now: it has not heard of this.
        if (error.code === 'ECONNRESET' && request.reusedSocket) ask(body, timeout).then(resolve, reject);
        else reject(error);
      });
      request.end(body);
    });
  return {
    call: async (method, params, timeout = LIMIT) => {
      const reply = decodeReply(await ask(encodeCall(method, params), timeout));
      if (reply.kind === 'fault') throw new Fault(reply.fault.faultCode, reply.fault.faultString);
      return reply.value;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

const STATUS: Readonly<Record<number, string>> = {
  401: 'it wants another user name and password than its configuration says',
  404: 'it has no [rpcinterface:supervisor] section, and so nothing to ask it by',
};

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const Info = z.object({
  name: z.string(),
  group: z.string(),
  /** Seconds since the epoch, as all times; 0 for never. */
  start: z.number(),
  stop: z.number(),
  now: z.number(),
  state: z.number(),
  statename: z.string(),
  spawnerr: z.string(),
  exitstatus: z.number(),
  pid: z.number(),
  /** Paths; empty where it writes none. */
  stdout_logfile: z.optional(z.string()),
  stderr_logfile: z.optional(z.string()),
});
/** supervisor.rpcinterface: getProcessInfo */
export type ProcessInfo = z.infer<typeof Info>;

const State = z.object({ statecode: z.number(), statename: z.string() });
const Changes = z.tuple([z.tuple([z.array(z.string()), z.array(z.string()), z.array(z.string())])]);

/** What we ask of supervisord (supervisor.rpcinterface). Programs are named `group:name`, or by a name that is both. */
export interface Supervisord extends Disposable {
  getState(timeout?: number): Promise<z.infer<typeof State>>;
  getVersion(): Promise<string>;
  getPid(timeout?: number): Promise<number>;
  /** In that order; undefined for what it does not have. */
  processInfo(names: readonly ServiceId[]): Promise<readonly (ProcessInfo | undefined)[]>;
  /** Of all: takes up to a second at a thousand, and answers nobody else meanwhile. */
  allProcessInfo(): Promise<readonly ProcessInfo[]>;
  /** Reads all files anew; changes nothing by itself. */
  reloadConfig(): Promise<{
    readonly added: readonly string[];
    readonly changed: readonly string[];
    readonly removed: readonly string[];
  }>;
  addProcessGroup(name: string): Promise<void>;
  removeProcessGroup(name: string): Promise<void>;
  /** Returns when it was told to, not when it has. */
  startProcess(name: string): Promise<void>;
  stopProcess(name: string): Promise<void>;
  /** All that runs of it. */
  stopProcessGroup(name: string): Promise<void>;
  /** To its own child alone; `HUP`. */
  signalProcess(name: string, signal: string): Promise<void>;
}

export function createSupervisord(client: Client): Supervisord {
  const { call } = client;
  const inTurn = batched(call);
  return {
    getState: async (timeout) => parse(State, await call('supervisor.getState', [], timeout)),
    getVersion: async () => parse(z.string(), await call('supervisor.getSupervisorVersion', [])),
    getPid: async (timeout) => parse(z.number(), await call('supervisor.getPID', [], timeout)),
    processInfo: (names) =>
      Promise.all(
        names.map(async (name) => {
          try {
            return parse(Info, await inTurn('supervisor.getProcessInfo', [name]));
          } catch (error) {
            if (error instanceof Fault && error.name === 'BAD_NAME') return undefined;
            throw error;
          }
        }),
      ),
    allProcessInfo: async () => parse(z.array(Info), await call('supervisor.getAllProcessInfo', [])),
    reloadConfig: async () => {
      const [[added, changed, removed]] = parse(Changes, await call('supervisor.reloadConfig', []));
      return { added, changed, removed };
    },
    addProcessGroup: async (name) => void (await inTurn('supervisor.addProcessGroup', [name])),
    removeProcessGroup: async (name) => void (await inTurn('supervisor.removeProcessGroup', [name])),
    startProcess: async (name) => void (await inTurn('supervisor.startProcess', [name, false])),
    stopProcess: async (name) => void (await inTurn('supervisor.stopProcess', [name, false])),
    stopProcessGroup: async (name) => void (await call('supervisor.stopProcessGroup', [name, false])),
    signalProcess: async (name, signal) => void (await call('supervisor.signalProcess', [name, signal])),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** What it answered, where that is what a supervisord 4 answers. */
function parse<T extends z.ZodMiniType>(schema: T, value: unknown): z.infer<T> {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  throw new Error(`its answer is none that is known: ${JSON.stringify(value).slice(0, 200)}`);
}

/** Why a call came to nothing, in words that go behind "supervisord". */
export function callFailure(error: unknown): string {
  if (error instanceof Fault) return `said ${error.name}: ${error.message}`;
  return why(error);
}
