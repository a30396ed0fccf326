import { appendFileSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { Attempt } from '../../src/health/attempt.ts';
import type { HttpTarget, Probe, RunAs, Target } from '../../src/health/health.ts';
import { attemptOf, tryTarget } from '../../src/health/probes.ts';
import { findUser } from '../../src/host/users.ts';
import { switchUser } from '../../src/supervisors/shared/programs.ts';
import { HealthRig } from '../rig/health.ts';

const NEVER = new AbortController().signal;
let rig: HealthRig;
let as: RunAs;

beforeEach(() => {
  rig = new HealthRig();
  as = { prefix: [], environment: { PATH: '/usr/bin:/bin' }, directory: rig.folder };
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const attempt = (target: Target, timeout = 10_000) => tryTarget(target, as, { timeout }, NEVER);
const http = (port: number, more: Partial<HttpTarget> = {}): HttpTarget => {
  return { kind: 'http', url: `http://127.0.0.1:${port}/health`, ...more };
};
const shell = (script: string): Target => ({ kind: 'exec', command: ['sh', '-c', script] });

/** Tries one target again and again, as the monitor does. */
async function repeated(target: Probe['target'], pid = process.pid): Promise<() => Promise<string | undefined>> {
  const made: Attempt = await attemptOf(target);
  return () => new Promise((resolve) => made({ name: 'scan', as, pid: () => pid }, (failure) => resolve(failure)));
}

/** In how many ms it came to what. */
async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const began = performance.now();
  return [await work, performance.now() - began];
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

function alive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('an HTTP answer', () => {
  const body = (text: string) => rig.http((_, response) => response.end(text));

  it('has to hold what is wanted in its text', async () => {
    const port = await body('{"status":"green"}\nall well');
    expect(await attempt(http(port, { body: '"status":"(ok|green)"' }))).toBeUndefined();
    expect(await attempt(http(port, { body: 'red' }))).toBe(
      'nothing in its answer matches `red`: it begins "{\\"status\\":\\"green\\"}"',
    );
    const secret = await body('{"token":"hunter2"}');
    expect(await attempt(http(secret, { body: 'red' }))).toBe(
      'nothing in its answer matches `red`: it begins otherwise',
    );
    expect(await attempt(http(secret, { json: { path: '$.token', equals: 'x' } }))).toBe('$.token is ***, not ***');
    expect(await attempt(http(await body(''), { body: 'red' }))).toBe(
      'nothing in its answer matches `red`: it is empty',
    );
  });

  it('has to hold what is wanted in its JSON', async () => {
    const port = await body('{"ok":false,"open":0,"name":null,"checks":[{"id":"db","state":"up"}]}');
    const json = (path: string, more: object = {}) => attempt(http(port, { json: { path, ...more } }));
    expect(await json('$.open', { equals: 0 })).toBeUndefined();
    expect(await json('$.open', { equals: 1 })).toBe('$.open is 0, not 1');
    expect(await json('$.open', { equals: '0' })).toBe('$.open is 0, not "0"');
    expect(await json('$.name', { equals: null })).toBeUndefined();
    expect(await json('$.open')).toBeUndefined();
    expect(await json('$.ok')).toBe('$.ok is false');
    expect(await json('$.name')).toBe('$.name is null');
    expect(await json('$.nothing')).toBe('there is no $.nothing in its answer');
    expect(await json('$.checks[?@.id == "db"].state', { equals: 'up' })).toBeUndefined();
    expect(await attempt(http(await body('<html>'), { json: { path: '$.ok' } }))).toBe(
      'its answer is no JSON: it begins "<html>"',
    );
  });

  it('is read to 64 KiB, whether more comes or not', async () => {
    let sent = 0;
    const port = await rig.http((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(65_536, 'x'))) sent += 65_536;
      };
      response.on('drain', more);
      response.write('begin');
      more();
    });
    expect(await attempt(http(port, { body: '^begin' }))).toBeUndefined();
    expect(await attempt(http(port, { body: 'end' }))).toMatch(
      /^nothing in its answer matches `end`: it begins "beginxxx.*…"$/,
    );
    expect(await attempt(http(port, { json: { path: '$' } }))).toBe('its answer is no JSON: it is longer than 64KiB');
    await sleep(100);
    const then = sent;
    await sleep(100);
    expect(sent).toBe(then);
  });

  it('is asked for with the headers, the address and the password that are given', async () => {
    let seen: Record<string, unknown> = {};
    const server = createHttp(({ headers }, response) => {
      seen = headers;
      response.end();
    });
    const port = await rig.listen(server, '::1');
    const url = `http://me:secret@[::1]:${port}/health`;
    expect(
      await attempt({ kind: 'http', url, headers: { Host: 'shop.example.com', 'X-Probe': 'yes' } }),
    ).toBeUndefined();
    expect(seen).toMatchObject({ host: 'shop.example.com', 'x-probe': 'yes', 'user-agent': 'reconciled' });
    expect(seen.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  });

  it('that redirects is not followed', async () => {
    let asked = 0;
    const port = await rig.http((_, response) => {
      asked += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await attempt(http(port))).toBeUndefined();
    expect(await attempt(http(port, { status: 200 }))).toBe('status 302, not 200');
    expect(asked).toBe(2);
  });
});

describe('an HTTP server', () => {
  it.each<[what: string, head: string, told: string]>([
    ['says nothing', '', 'no answer within 300ms'],
    ['stops in its head', 'HTTP/1.1 200 OK\r\nContent-Le', 'no answer within 300ms'],
    ['stops in its answer', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok', 'no end of its answer within 300ms'],
  ])('that %s is given up in time', async (_, head, told) => {
    const port = await rig.tcp((socket) => socket.write(head));
    const [verdict, took] = await timed(attempt(http(port, { body: 'ok' }), 300));
    expect(verdict).toBe(told);
    expect(took).toBeLessThan(600);
  });

  it('whose answer comes in drops is given up in time; by its status alone it passes at once', async () => {
    const drip = await rig.http((_, response) => {
      const drops = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drops));
    });
    expect(await attempt(http(drip, { body: 'ok' }), 300)).toBe('no end of its answer within 300ms');
    const [verdict, took] = await timed(attempt(http(drip), 300));
    expect([verdict, took < 200]).toEqual([undefined, true]);
  });

  it.each<[what: string, answer: string, told: string]>([
    [
      'resets in its answer',
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok',
      'it closed the connection in the middle of its answer',
    ],
    ['speaks something else', 'SSH-2.0-OpenSSH_9.2\r\n', 'its answer is no HTTP'],
    ['has an endless head', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(20_000)}`, 'the head of its answer is too long'],
  ])('that %s is told in one line', async (_, answer, told) => {
    const port = await rig.tcp((socket) => socket.write(answer, () => setTimeout(() => socket.resetAndDestroy(), 20)));
    expect(await attempt(http(port, { body: 'ok' }))).toBe(told);
  });

  it('that hangs up without an answer is told', async () => {
    expect(await attempt(http(await rig.tcp((socket) => socket.end())))).toBe(
      'it closed the connection without an answer',
    );
  });

  it('that closes what was kept is asked again on a new connection, and that is no failure', async () => {
    let connections = 0;
    const port = await rig.listen(
      createTcp((socket) => {
        connections += 1;
        let asked = 0;
        socket.on('data', () => {
          asked += 1;
          // It closes without a word where it is asked a second time: the same as if both had crossed on their way.
          if (asked > 1) socket.resetAndDestroy();
          else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        });
      }),
    );
    const again = await repeated(http(port));
    for (let i = 0; i < 4; i += 1) {
      expect(await again()).toBeUndefined();
      // Given back before it is asked for again.
      await sleep(20);
    }
    expect(connections).toBeGreaterThanOrEqual(3);
  });

  it('that closes each connection, or keeps none, passes each time', async () => {
    const port = await rig.http((_, response) => response.setHeader('connection', 'close').end('ok'));
    const again = await repeated(http(port, { body: 'ok' }));
    for (let i = 0; i < 3; i += 1) expect(await again()).toBeUndefined();
  });

  it('that does not exist is told', async () => {
    expect(await attempt({ kind: 'http', url: 'http://no-such-host.invalid/' })).toMatch(
      /^(there is no host|cannot look up the host) no-such-host\.invalid/,
    );
  });
});

describe('TLS', () => {
  const https = (port: number, insecure = false): HttpTarget => {
    return { kind: 'http', url: `https://localhost:${port}/`, ...(insecure ? { insecure } : {}) };
  };

  test('a certificate signed by itself, expired, or of another fails, and passes where any will do', async () => {
    const known = getCACertificates('default');
    for (const [name, expired, told] of [
      ['localhost', false, 'its certificate is self-signed'],
      ['localhost', true, 'its certificate has expired'],
      ['elsewhere', false, 'its certificate is not one for localhost'],
    ] as const) {
      const certificate = rig.certificate(name, expired);
      const port = await rig.https(certificate, (_, response) => response.end('ok'));
      // What else is wrong with it is seen where who signed it is trusted.
      if (told !== 'its certificate is self-signed') setDefaultCACertificates([certificate.cert]);
      try {
        expect(await attempt(https(port))).toBe(told);
        expect(await attempt(https(port, true))).toBeUndefined();
        // Nothing that was accepted there is kept for the other.
        expect(await attempt(https(port))).toBe(told);
      } finally {
        setDefaultCACertificates(known);
      }
    }
  });

  test('what speaks none is told, and what says nothing is given up in time', async () => {
    const plain = await rig.http((_, response) => response.end());
    expect(await attempt(https(plain))).toMatch(/^what answers there speaks no TLS/);
    const silent = await rig.tcp(() => {});
    expect(await attempt(https(silent), 300)).toBe('no TLS within 300ms');
    const breaking = await rig.tcp((socket) => socket.end(Buffer.from([0x16, 3, 3, 0, 2, 1, 1])));
    expect(await attempt(https(breaking))).toMatch(/^[^\n]{5,100}$/);
  });
});

describe('TCP', () => {
  test('connects by name and over IPv6, and gives up in time', async () => {
    const port = await rig.listen(createTcp(), '::1');
    expect(await attempt({ kind: 'tcp', host: '::1', port })).toBeUndefined();
    expect(await attempt({ kind: 'tcp', host: 'no-such-host.invalid', port: 1 })).toMatch(/no-such-host\.invalid/);
    // Nobody is at home there (TEST-NET-1); some networks say so at once.
    const [verdict, took] = await timed(attempt({ kind: 'tcp', host: '192.0.2.1', port: 9 }, 300));
    expect(verdict).toBeDefined();
    expect(took).toBeLessThan(600);
  });
});

describe('a command', () => {
  test('the last line of what it printed goes along, without secrets and control characters', async () => {
    expect(await attempt(shell('echo one; echo two; exit 3'))).toBe('exit code 3: two');
    expect(await attempt(shell('echo out; echo err >&2; exit 3'))).toBe('exit code 3: err');
    expect(await attempt(shell('echo fine'))).toBeUndefined();
    const colours = 'printf "\\033[31mbroken\\033[0m\\007 https://me:hunter2@host/?token=hunter2\\n\\n"; exit 1';
    expect(await attempt(shell(colours))).toBe('exit code 1: broken https://me:***@host/?token=***');
    const long = await attempt(shell('head -c 100000 /dev/zero | tr "\\0" x; exit 1'));
    expect(long).toBe(`exit code 1: ${'x'.repeat(199)}…`);
  });

  test('that prints without end is killed in time, and what it said last is told', async () => {
    const before = process.cpuUsage();
    const [verdict, took] = await timed(attempt({ kind: 'exec', command: ['yes', 'no end'] }, 1000));
    expect(verdict).toMatch(/^did not end within 1s, killed; it last printed: n/);
    expect(took).toBeLessThan(1500);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(800);
  });

  test('what it leaves behind is killed with it, and holds nothing up', async () => {
    const [verdict, took] = await timed(attempt(shell('sleep 1000 & echo $! > child; exit 0')));
    expect(verdict).toBeUndefined();
    expect(took).toBeLessThan(2000);
    const pid = Number(readFileSync(join(rig.folder, 'child'), 'utf8'));
    await until(() => !alive(pid));
  });

  test('what has left its group holds nothing up', async () => {
    const script =
      'setsid sh -c "echo \\$\\$ > child; exec sleep 30" & while ! test -s child; do :; done; echo bad; exit 4';
    const [verdict, took] = await timed(attempt(shell(script)));
    expect(verdict).toBe('exit code 4: bad');
    expect(took).toBeLessThan(2000);
    process.kill(Number(readFileSync(join(rig.folder, 'child'), 'utf8')), 'SIGKILL');
  });

  test('that forks and hangs is killed with all of its group', async () => {
    const script = 'trap "" TERM; sleep 1000 & echo $! > child; (sleep 1000; true) & echo started; wait; sleep 1000';
    expect(await attempt(shell(script), 500)).toBe('did not end within 500ms, killed; it last printed: started');
    const pid = Number(readFileSync(join(rig.folder, 'child'), 'utf8'));
    await until(() => !alive(pid));
  });
});

describe('a file', () => {
  const file = (path: string, changedWithin?: number): Target => {
    return { kind: 'file', path, ...(changedWithin === undefined ? {} : { changedWithin }) };
  };

  test('has to exist, below the directory or anywhere', async () => {
    const path = join(rig.folder, 'heartbeat');
    expect(await attempt(file('heartbeat'))).toBe(`${path}: no such file or directory`);
    writeFileSync(path, '');
    expect(await attempt(file('heartbeat'))).toBeUndefined();
    expect(await attempt(file(path))).toBeUndefined();
    expect(await attempt(file('heartbeat/deeper'))).toMatch(/a part of the path is not a directory$/);
  });

  test('has to have been written to lately', async () => {
    const path = join(rig.folder, 'heartbeat');
    writeFileSync(path, '');
    expect(await attempt(file(path, 60_000))).toBeUndefined();
    const then = Date.now() / 1000 - 300;
    utimesSync(path, then, then);
    expect(await attempt(file(path, 60_000))).toBe(`${path} was last written to 5m ago, not within 1m`);
  });
});

describe('progress', () => {
  test('of a number in a log: the last one that is written', async () => {
    const path = join(rig.folder, 'scan.log');
    const again = await repeated({
      kind: 'progress',
      from: { kind: 'file', path },
      regex: 'scan (\\d+) processed',
      within: 250,
    });
    expect(await again()).toBe(`${path}: no such file or directory`);
    writeFileSync(path, 'starting\n');
    expect(await again()).toBe('nothing in the file matches `scan (\\d+) processed`: it begins "starting"');
    appendFileSync(path, 'scan 470 processed\nscan 471 processed\nidle\n');
    expect(await again()).toBeUndefined();
    await sleep(150);
    expect(await again()).toBeUndefined();
    await sleep(150);
    expect(await again()).toMatch(/^scan is at 471 for \d+ms$/);
    appendFileSync(path, `${'noise\n'.repeat(30_000)}scan 472 processed\n`);
    expect(await again()).toBeUndefined();
    await sleep(300);
    expect(await again()).toMatch(/^scan is at 472/);
    // Begun anew.
    writeFileSync(path, 'scan 1 processed\n');
    expect(await again()).toBeUndefined();
  });

  test('of a number in JSON, from a URL or a command', async () => {
    let processed: unknown = 470;
    let status = 200;
    const port = await rig.http((_, response) => {
      response.writeHead(status).end(JSON.stringify({ scan: { processed } }));
    });
    const from: HttpTarget = { kind: 'http', url: `http://127.0.0.1:${port}/` };
    const again = await repeated({ kind: 'progress', from, json: '$.scan.processed', within: 100 });
    expect(await again()).toBeUndefined();
    await sleep(150);
    processed = '471';
    expect(await again()).toBeUndefined();
    processed = 'many';
    expect(await again()).toBe('what `$.scan.processed` finds is no number: "many"');
    processed = true;
    expect(await again()).toBe('$.scan.processed is no number: true');
    processed = undefined;
    expect(await again()).toBe('there is no $.scan.processed in its answer');
    status = 503;
    expect(await again()).toBe('status 503');
    const clock = await repeated({
      kind: 'progress',
      from: { kind: 'exec', command: ['date', '+{"at":%s%N}'] },
      json: '$.at',
      within: 1,
    });
    for (let i = 0; i < 3; i += 1) {
      expect(await clock()).toBeUndefined();
      await sleep(20);
    }
  });

  test('of what is no file, and of nothing', async () => {
    mkdirSync(join(rig.folder, 'folder'));
    const of = async (path: string) =>
      (await repeated({ kind: 'progress', from: { kind: 'file', path }, regex: '(\\d+)', within: 1000 }))();
    expect(await of('folder')).toBe(`${join(rig.folder, 'folder')} is no file that could be read`);
    writeFileSync(join(rig.folder, 'empty'), '');
    expect(await of('empty')).toBe('nothing in the file matches `(\\d+)`: it is empty');
  });
});

test('what a process uses is measured', async () => {
  const judge = async (limits: object, pid = process.pid) => (await repeated({ kind: 'process', ...limits }, pid))();
  expect(await judge({ memory: 2 ** 40, openFiles: 1_000_000 })).toBeUndefined();
  expect(await judge({ memory: 2 ** 20 })).toMatch(/^its process uses [\d.]+MiB of memory, more than 1MiB$/);
  expect(await judge({ openFiles: 3 })).toMatch(/^its process has \d+ open files, more than 3$/);
  expect(await judge({ memory: 2 ** 40 }, 2 ** 22 + 1)).toBe('its process 4194305 is gone');
  const none = await attemptOf({ kind: 'process', memory: 1 });
  const told = new Promise((resolve) => none({ name: 'p', as, pid: () => undefined }, resolve));
  expect(await told).toBe('it has no process');
});

test('an abort ends a try at once', async () => {
  const abort = new AbortController();
  const trying = tryTarget(shell('echo > begun; exec sleep 1000'), as, { timeout: 60_000 }, abort.signal);
  await until(() => existsSync(join(rig.folder, 'begun')));
  abort.abort();
  expect(await trying).toBe('interrupted');
  expect(await tryTarget(shell('true'), as, { timeout: 1000 }, abort.signal)).toBe('interrupted');
});

test("a command is run as the service's user", async () => {
  const user = await findUser('nobody');
  // Only root can, and whoever is not has no services of others.
  const prefix = switchUser(user && { user, group: undefined });
  const wanted = process.getuid?.() === 0 ? user?.uid : process.getuid?.();
  const command = ['sh', '-c', 'test "$(id -u)" = "$1" && test "$(ps -o uid= -p $$ | tr -d " ")" = "$1"', 'sh'];
  as = { ...as, prefix, directory: '/' };
  expect(await attempt({ kind: 'exec', command: [...command, String(wanted)] })).toBeUndefined();
  expect(await attempt({ kind: 'exec', command: ['sleep', '1000'] }, 300)).toBe('did not end within 300ms, killed');
});
