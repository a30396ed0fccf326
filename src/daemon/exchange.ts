import { connect } from 'node:net';
import { withSocketPath } from './socket.ts';

/** ms: how long is waited for the first of an answer, and from then on for all of it. */
export interface Patience {
  readonly hearing: number;
  readonly whole: number;
}

/**
 * What a daemon answers, where that is JSON and well; undefined else, and where it breaks or takes too long. The request is
 * written by hand: what speaks HTTP takes longer to load than the answer to come.
 */
export async function exchange(
  path: string,
  method: 'GET' | 'POST',
  url: string,
  patience: Patience,
  body = '',
): Promise<unknown> {
  const response = await withSocketPath(path, (short) => send(short, `${method} ${url}`, patience, body));
  if (!/^HTTP\/1\.[01] 200 /.test(response)) return undefined;
  try {
    return JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4)) as unknown;
  } catch {
    return undefined;
  }
}

/** All that comes until the end of the connection; what came so far where it breaks or takes too long. */
function send(path: string, what: string, { hearing, whole }: Patience, body: string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(path);
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('utf8'));
    };
    let timer = setTimeout(done, hearing);
    socket.once('error', done).once('close', done);
    socket.once('data', () => {
      clearTimeout(timer);
      timer = setTimeout(done, whole);
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    const head = [
      `${what} HTTP/1.0`,
      'Host: reconciled',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
}
