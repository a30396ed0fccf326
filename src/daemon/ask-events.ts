import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { http } from '../host/http.ts';
import { type Entry, entryFromJson } from '../journal/entry.ts';
import type { EventsWanted } from '../journal/events.ts';
import { withSocketPath } from './socket.ts';

/** How long (ms) a daemon that is there may take to say that it has heard. */
const PATIENCE = 2000;

/**
 * Asks a daemon for what happened and what happens; undefined where none answers. Its entries come until it ends, the
 * signal comes, or, where not followed, there are no more.
 */
export async function askEvents(
  path: string,
  wanted: EventsWanted & { readonly follow: boolean },
  signal: AbortSignal,
): Promise<AsyncIterable<readonly Entry[]> | undefined> {
  const response = await withSocketPath(path, async (socketPath) => {
    const call = http.request({ socketPath, path: `/v1/events?${queryOf(wanted)}` });
    // Whatever goes wrong later ends what comes.
    call.on('error', () => undefined);
    const timer = setTimeout(() => call.destroy(), PATIENCE);
    signal.addEventListener('abort', () => call.destroy(), { once: true });
    call.end();
    try {
      const [answer] = (await once(call, 'response', { signal })) as [IncomingMessage];
      return answer;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  });
  if (response?.statusCode === 200) return entriesIn(response);
  response?.destroy();
  return undefined;
}

function queryOf({ services = [], since, after, limit, follow }: EventsWanted & { readonly follow: boolean }): string {
  const query = new URLSearchParams({ follow: String(follow) });
  if (since !== undefined) query.set('since', new Date(since).toISOString());
  if (after !== undefined) query.set('after', String(after));
  if (limit !== undefined) query.set('limit', String(limit));
  for (const service of services) query.append('service', service);
  return query.toString();
}

async function* entriesIn(answer: IncomingMessage): AsyncIterable<readonly Entry[]> {
  let rest = '';
  try {
    for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) yield lines.map((line) => entryFromJson(JSON.parse(line) as Record<string, unknown>));
    }
  } catch (error) {
    // It went away, or is not asked any more.
    if (!['ECONNRESET', 'ABORT_ERR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
