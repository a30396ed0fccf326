import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A server that takes what webhooks send, and answers as it is told. */
export interface Hook extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The bodies it was sent, parsed. */
  readonly got: Record<string, unknown>[];
  /** How it answers from now on; the default is 200. */
  answer(how: (request: IncomingMessage, response: ServerResponse) => void): void;
}

export async function createHook(port = 0): Promise<Hook> {
  const got: Record<string, unknown>[] = [];
  const sockets = new Set<Socket>();
  let answer: Parameters<Hook['answer']>[0] = (_, response) => response.end('ok');
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      got.push(JSON.parse(body) as Record<string, unknown>);
      answer(request, response);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}/hook`,
    port: bound,
    got,
    answer: (how) => {
      answer = how;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
