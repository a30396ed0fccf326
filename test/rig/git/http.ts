import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { environment } from './repository.ts';

/** What a server does with those that ask. */
export type Mood = 'serves' | 'stalls' | 'fails';

/** Smart HTTP as a forge speaks it: `git http-backend` behind a token. */
export interface GitHttp extends AsyncDisposable {
  readonly port: number;
  /** What it takes for a password now; change it, and the one before has expired. */
  token: string;
  /** How many requests there were. */
  readonly requests: () => number;
  url(repository: string): string;
  be(mood: Mood): void;
  /** Nobody listens any more, until it starts again on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startHttp(): Promise<GitHttp> {
  let mood: Mood = 'serves';
  let server: Server | undefined;
  let port = 0;
  let requests = 0;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    requests += 1;
    if (mood === 'stalls') return;
    if (mood === 'fails') response.writeHead(503).end('down for maintenance\n');
    else if (passwordOf(request) !== self.token) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end('the token is not known\n');
    } else serve(request, response);
  };
  const self: GitHttp = {
    get port() {
      return port;
    },
    token: 'token-of-a-robot',
    requests: () => requests,
    url: (repository) => `http://127.0.0.1:${port}${repository}`,
    be: (next) => {
      mood = next;
    },
    stop: async () => {
      if (server === undefined) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      server = undefined;
    },
    start: async () => {
      server = createServer(answer).listen(port, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (typeof address === 'object' && address !== null) port = address.port;
    },
    [Symbol.asyncDispose]: () => self.stop(),
  };
  await self.start();
  return self;
}

function passwordOf({ headers }: IncomingMessage): string | undefined {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1];
  return basic === undefined
    ? undefined
    : Buffer.from(basic, 'base64')
        .toString()
        .replace(/^[^:]*:/, '');
}

/** One request as a CGI program (RFC 3875) gets it, and its reply. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const backend = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...environment(),
      // A repository of another user is served too: that is the server's affair.
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROJECT_ROOT: '/',
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'robot',
      REMOTE_ADDR: '127.0.0.1',
    },
  });
  response.on('close', () => backend.kill());
  backend.stdin.on('error', () => undefined);
  request.pipe(backend.stdin);
  let head = Buffer.alloc(0);
  let begun = false;
  backend.stdout.on('data', (chunk: Buffer) => {
    if (begun) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    begun = true;
    const headers = head
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(': ', 2) as [string, string]);
    const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
    response.write(head.subarray(end + 4));
  });
  backend.stdout.on('end', () => response.end());
}
