import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { writableByOthers } from '../desired/safety.ts';
import { http, https } from '../host/http.ts';
import { why } from '../problem.ts';
import { formatDuration } from '../units.ts';
import type { Alert } from './alert.ts';
import { line } from './compose.ts';
import { alertJson } from './json.ts';
import type { Limits, Sent } from './send.ts';
import { slackJson } from './slack.ts';
import type { Target } from './targets.ts';

type Webhook = Extract<Target['means'], { readonly kind: 'webhook' }>;

/** So much of an answer is read (bytes), and so much of that is shown. */
const BODY = 4096;
const SHOWN = 120;
/** So many redirects are followed, to the same host alone. */
const REDIRECTS = 3;
/** ms. No longer than this is waited because the other side says so. */
const LONGEST = 300_000;

/** Posts an alert. Any 2xx is success; what is refused for good (4xx, but for 408, 425 and 429) is not tried again. */
export async function post({ url: at, format }: Webhook, alert: Alert, { timeout, signal }: Limits): Promise<Sent> {
  const found = urlOf(at);
  if (!(found instanceof URL)) return found;
  const body = JSON.stringify(format === 'slack' ? slackJson(alert) : alertJson(alert));
  const secrets =
    at.kind === 'file' ? [found.href, found.pathname, found.search].filter((text) => text.length > 8) : [];
  const safe = (text: string) => line(secrets.reduce((all, secret) => all.replaceAll(secret, '***'), text));
  let url = found;
  try {
    for (let redirects = 0; ; redirects += 1) {
      const { status, location, after, text } = await ask(url, body, signal);
      if (status >= 200 && status < 300) return { kind: 'done', what: safe(`${status} ${text}`) };
      const next = redirectOf(status, location, url);
      if (next instanceof URL && redirects < REDIRECTS) {
        url = next;
        continue;
      }
      if (status >= 300 && status < 400)
        return { kind: 'failed', why: safe(next instanceof URL ? 'too many redirects' : next), again: false };
      const wait = afterOf(after);
      return {
        kind: 'failed',
        why: safe(`status ${status}${text === '' ? '' : `: ${text}`}`),
        again: status >= 500 || status === 408 || status === 425 || status === 429,
        ...(wait === undefined ? {} : { after: wait }),
      };
    }
  } catch (error) {
    if (signal.aborted) return { kind: 'failed', why: `no answer within ${formatDuration(timeout)}`, again: true };
    return { kind: 'failed', why: safe(why(error)), again: true };
  }
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  /** `retry-after` */
  readonly after: string | undefined;
  /** The beginning of the body, on one line. */
  readonly text: string;
}

/** One request on a connection of its own. Not by fetch: that refuses a hundred ports, and takes megabytes for this. */
async function ask(url: URL, body: string, signal: AbortSignal): Promise<Answer> {
  const { request } = url.protocol === 'https:' ? https() : http;
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'reconciled',
    connection: 'close',
  };
  const asked = request(url, { method: 'POST', agent: false, signal, headers });
  // What goes wrong once the status is there, the cut below among it, says less.
  asked.on('error', () => {}).end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const { statusCode: status = 0, headers: said } = response;
  const text = await beginningOf(response);
  response.destroy();
  return { status, location: said.location, after: said['retry-after'], text };
}

/** A file is read anew every time: what is in it changes when the secret does. */
function urlOf({ kind, at }: Webhook['url']): URL | Sent {
  if (kind === 'plain') return new URL(at);
  const failed = (why: string): Sent => ({ kind: 'failed', why: `cannot use ${at}: ${why}`, again: true });
  try {
    const open = writableByOthers(at);
    if (open !== undefined) return failed(`others can write ${open}, and could have all alerts sent to them`);
    const text = readFileSync(at, 'utf8').slice(0, BODY).trim();
    if (text === '') return failed('it is empty');
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
      return failed('it does not hold one URL (https://...) and nothing else');
    return url;
  } catch (error) {
    return failed(why(error));
  }
}

/** Where it is to be posted instead, or why not: a redirect that changes the host or gives up TLS is followed by nobody. */
function redirectOf(status: number, location: string | undefined, from: URL): URL | string {
  const what = `status ${status}, a redirect`;
  if (location === undefined || !URL.canParse(location, from.href)) return `${what} to nowhere`;
  if (status !== 307 && status !== 308) return `${what} for browsers: write the URL that it leads to`;
  const to = new URL(location, from);
  if (to.hostname !== from.hostname) return `${what} to another host (${to.host}): not followed`;
  if (from.protocol === 'https:' && to.protocol !== 'https:') return `${what} away from TLS: not followed`;
  return to;
}

/** No more of it is read than is shown. */
async function beginningOf(body: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= BODY) break;
    }
  } catch {
    // The status says more than what is missing of its words.
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const printable = text.replace(/[\p{Cc}\p{Z}]+/gu, ' ').trim();
  return printable.startsWith('<') ? '' : printable.slice(0, SHOWN);
}

function afterOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) || ms <= 0 ? undefined : Math.min(LONGEST, ms);
}
