import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { type Entry, entryJson } from '../journal/entry.ts';
import type { Events, EventsWanted } from '../journal/events.ts';
import { begin, refuse } from './answer.ts';

const count = z.string().check(z.regex(/^\d{1,15}$/));
const EventsQuery = z.strictObject({
  after: z.optional(count),
  since: z.optional(z.iso.datetime({ offset: true })),
  limit: z.optional(z.string().check(z.regex(/^\d{1,7}$/))),
  follow: z.optional(z.enum(['true', 'false'])),
  service: z.array(z.string().check(z.minLength(1))),
});

/** How many of the newest where nobody says. */
const LIMIT = 100;

/** Answers `GET /v1/events`: entries of the journal, one a line, until whoever asks hangs up. */
export async function tellEvents(
  handlers: { events(wanted: EventsWanted): Events },
  { url = '' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1 || url.length));
  const parsed = EventsQuery.safeParse({ ...Object.fromEntries(query), service: query.getAll('service') });
  if (!parsed.success)
    return refuse(response, 400, {
      code: 'bad-request',
      summary: `not a valid request: ${z.prettifyError(parsed.error)}`,
    });
  const { after, since, limit, follow, service } = parsed.data;
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  const { past, next, choose } = handlers.events({
    services: service,
    limit: limit === undefined ? LIMIT : Number(limit),
    after: after === undefined ? undefined : Number(after),
    since: since === undefined ? undefined : Date.parse(since),
  });
  begin(response, 'application/x-ndjson');
  // Who reads slowly is waited for: what comes meanwhile is in the journal.
  const send = async (entries: readonly Entry[]) => {
    if (
      entries.length === 0 ||
      response.write(entries.map((entry) => `${JSON.stringify(entryJson(entry))}\n`).join(''))
    )
      return;
    await once(response, 'drain', { signal: abort.signal }).catch(() => undefined);
  };
  await send(past?.entries ?? []);
  if (follow !== 'false') for await (const entries of next(abort.signal)) await send(choose(entries));
  response.end();
}
