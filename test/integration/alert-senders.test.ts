import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { send } from '../../src/alerts/send.ts';
import type { Target } from '../../src/alerts/targets.ts';
import { createHook, type Hook } from '../rig/hook.ts';
import { until } from '../rig/host.ts';
import { alertOf } from '../unit/alerts/make.ts';

const NEVER = new AbortController().signal;
let folder: string;
let hook: Hook;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-alerts-'));
  hook = await createHook();
});
afterAll(async () => {
  await hook[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const to = (means: Target['means'], timeout = 5000): Target => ({
  name: 'ops',
  filter: { least: 'info' },
  timeout,
  means,
});
const webhook = (url: string, timeout?: number, format: 'json' | 'slack' = 'json') =>
  to({ kind: 'webhook', url: { kind: 'plain', at: url }, format }, timeout);
const exec = (script: string, timeout?: number) => {
  const path = join(folder, `script-${Math.random().toString(36).slice(2)}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return to({ kind: 'exec', command: [path, 'an argument'] }, timeout);
};
const took = async <T>(task: Promise<T>): Promise<readonly [T, number]> => {
  const begun = performance.now();
  return [await task, performance.now() - begun];
};

it('posts, and takes any 2xx for success', async () => {
  hook.answer((request, response) => {
    expect([request.method, request.headers['content-type']]).toEqual(['POST', 'application/json']);
    response.writeHead(204).end();
  });
  const alert = alertOf();
  expect(await send(webhook(hook.url), alert, NEVER)).toEqual({ kind: 'done', what: '204' });
  expect(hook.got.at(-1)).toMatchObject({ key: 'down:web', id: alert.id });
});

it('says what a server says that refuses it, and whether to try again', async () => {
  const answers = [
    [400, 'invalid_payload', { kind: 'failed', why: 'status 400: invalid_payload', again: false }],
    [404, '<html>a page of a proxy</html>', { kind: 'failed', why: 'status 404', again: false }],
    [429, '', { kind: 'failed', why: 'status 429', again: true, after: 7000 }],
    [500, 'oh no', { kind: 'failed', why: 'status 500: oh no', again: true }],
  ] as const;
  for (const [status, body, sent] of answers) {
    hook.answer((_, response) => response.writeHead(status, status === 429 ? { 'retry-after': '7' } : {}).end(body));
    expect(await send(webhook(hook.url), alertOf(), NEVER)).toEqual(sent);
  }
});

it('waits for one that hangs no longer than its timeout, before or after its headers', async () => {
  for (const hang of [() => {}, (_: unknown, response: { flushHeaders(): void }) => response.flushHeaders()]) {
    hook.answer(hang as never);
    const [sent, ms] = await took(send(webhook(hook.url, 300), alertOf(), NEVER));
    expect(ms).toBeLessThan(3000);
    // A status was there, or was not.
    if (sent.kind === 'failed') expect(sent).toMatchObject({ why: 'no answer within 300ms', again: true });
    else expect(sent.what).toBe('200');
  }
});

it('takes a slow answer, and no more of a huge one than it needs', async () => {
  hook.answer((_, response) => void sleep(200).then(() => response.end('late')));
  expect(await send(webhook(hook.url), alertOf(), NEVER)).toMatchObject({ kind: 'done', what: '200 late' });
  let written = 0;
  hook.answer((_, response) => {
    const more = () => {
      if (response.destroyed) return;
      written += 65_536;
      if (response.write('x'.repeat(65_536))) setImmediate(more);
      else response.once('drain', more);
    };
    more();
  });
  const [sent, ms] = await took(send(webhook(hook.url), alertOf(), NEVER));
  expect(sent.kind).toBe('done');
  expect(ms).toBeLessThan(3000);
  const then = await until(() => written);
  await sleep(200);
  // The connection was cut.
  expect(written - then).toBeLessThan(50_000_000);
});

it('tries again what is reset, or where nobody listens', async () => {
  const reset = createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1');
  await until(() => reset.listening);
  const { port } = reset.address() as { port: number };
  expect(await send(webhook(`http://127.0.0.1:${port}/`), alertOf(), NEVER)).toMatchObject({
    kind: 'failed',
    again: true,
  });
  reset.close();
  await until(() => !reset.listening);
  expect(await send(webhook(`http://127.0.0.1:${port}/`), alertOf(), NEVER)).toEqual({
    kind: 'failed',
    why: 'connection refused',
    again: true,
  });
});

it('follows a redirect on the same host, and none to another', async () => {
  const redirect = (status: number, location: string) =>
    hook.answer((request, response) => {
      if (request.url === '/new') response.end('here');
      else response.writeHead(status, { location }).end();
    });
  redirect(308, '/new');
  expect(await send(webhook(hook.url), alertOf(), NEVER)).toEqual({ kind: 'done', what: '200 here' });
  redirect(307, `http://localhost:${hook.port}/new`);
  expect(await send(webhook(hook.url), alertOf(), NEVER)).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('to another host'),
    again: false,
  });
  redirect(302, '/new');
  expect(await send(webhook(hook.url), alertOf(), NEVER)).toMatchObject({
    why: 'status 302, a redirect for browsers: write the URL that it leads to',
    again: false,
  });
  redirect(308, '/hook');
  expect(await send(webhook(hook.url), alertOf(), NEVER)).toMatchObject({ why: 'too many redirects' });
});

it('reads a URL that is a secret from its file every time, and shows it to nobody', async () => {
  const file = join(folder, 'alerts.url');
  const target = to({ kind: 'webhook', url: { kind: 'file', at: file }, format: 'slack' });
  expect(await send(target, alertOf(), NEVER)).toMatchObject({
    why: `cannot use ${file}: no such file or directory`,
    again: true,
  });
  writeFileSync(file, 'not a url\n', { mode: 0o600 });
  expect(await send(target, alertOf(), NEVER)).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('one URL'),
  });
  writeFileSync(file, `${hook.url}/services/T0/B0/hunter2secret\n`);
  hook.answer((request, response) => response.writeHead(500).end(`no such ${request.url}`));
  const sent = await send(target, alertOf(), NEVER);
  expect(sent).toMatchObject({ kind: 'failed', again: true });
  expect(JSON.stringify(sent)).not.toContain('hunter2');
  writeFileSync(file, 'http://127.0.0.1:1/hunter2secret');
  expect(JSON.stringify(await send(target, alertOf(), NEVER))).not.toContain('hunter2');
});

it('runs a command with the alert on its input, and a plain environment', async () => {
  process.env.NOTIFY_SOCKET = '/run/nobody';
  const out = join(folder, 'out');
  const sent = await send(exec(`cat > ${out}; echo "$1" >> ${out}; env >> ${out}`), alertOf(), NEVER);
  delete process.env.NOTIFY_SOCKET;
  expect(sent).toEqual({ kind: 'done', what: 'exit code 0' });
  const [json = '', argument, ...environment] = readFileSync(out, 'utf8').trim().split('\n');
  expect(JSON.parse(json)).toMatchObject({ version: 1, key: 'down:web', severity: 'critical' });
  expect(argument).toBe('an argument');
  expect(environment.map((line) => line.split('=')[0]).sort()).toEqual(['HOME', 'LANG', 'PATH', 'PWD']);
});

it('says what a command says that fails, and does not mind one that reads nothing', async () => {
  expect(await send(exec('echo no route to pager >&2; exit 7'), alertOf(), NEVER)).toEqual({
    kind: 'failed',
    why: 'exit code 7 no route to pager',
    again: true,
  });
  const large = alertOf({
    text: 'x'.repeat(2000),
    members: Array.from({ length: 1000 }, () => ({ key: 'k'.repeat(50), title: 't'.repeat(200), since: 0 })),
  });
  expect(await send(exec('exit 0'), large, NEVER)).toEqual({ kind: 'done', what: 'exit code 0' });
  expect(await send(to({ kind: 'exec', command: ['/nonexistent'] }), alertOf(), NEVER)).toEqual({
    kind: 'failed',
    why: 'cannot run /nonexistent: no such file or directory',
    again: true,
  });
});

it('ends a command that takes too long, and all that it has started', async () => {
  const pids = join(folder, 'pids');
  const [sent, ms] = await took(
    send(exec(`sleep 300 & echo $! > ${pids}; echo $$ >> ${pids}; wait`, 500), alertOf(), NEVER),
  );
  expect(sent).toMatchObject({ kind: 'failed', why: 'did not end within 500ms', again: true });
  expect(ms).toBeLessThan(3000);
  const started = readFileSync(pids, 'utf8').trim().split('\n');
  await until(() => started.every((pid) => !existsSync(`/proc/${pid}/exe`) || isZombie(pid)));
});

it('does not wait for what a command has left in the background', async () => {
  const pid = join(folder, 'background');
  const [sent, ms] = await took(send(exec(`sleep 300 & echo $! > ${pid}; exit 0`), alertOf(), NEVER));
  process.kill(Number(readFileSync(pid, 'utf8')));
  expect([sent.kind, ms < 2000]).toEqual(['done', true]);
});

it('as root, runs no command and reads no URL that others could write', async () => {
  const target = exec('exit 0');
  const path = target.means.kind === 'exec' ? (target.means.command[0] ?? '') : '';
  chmodSync(path, 0o777);
  const isRoot = process.getuid?.() === 0;
  const sent = await send(target, alertOf(), NEVER);
  expect(sent.kind === 'failed' ? sent.why : '').toBe(isRoot ? `cannot run ${path}: others can write ${path}` : '');
  const file = join(folder, 'open.url');
  writeFileSync(file, hook.url);
  chmodSync(file, 0o666);
  hook.answer((_, response) => response.end());
  const posted = await send(to({ kind: 'webhook', url: { kind: 'file', at: file }, format: 'json' }), alertOf(), NEVER);
  expect(posted.kind).toBe(isRoot ? 'failed' : 'done');
});

it('ends at once when it is told to', async () => {
  hook.answer(() => {});
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  const [sent, ms] = await took(send(webhook(hook.url), alertOf(), abort.signal));
  expect([sent.kind, ms < 2000]).toEqual(['failed', true]);
});

function isZombie(pid: string): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}
