import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type Server as HttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HttpTarget, Monitor, Probe, RunAs, Target } from '../../src/health/health.ts';
import { createMonitor } from '../../src/health/monitor.ts';
import { tryTarget } from '../../src/health/probes.ts';
import type { HealthState } from '../../src/model.ts';

const NEVER = new AbortController().signal;
let folder: string;
let as: RunAs;
let monitor: Monitor;
const servers: (Server | HttpServer)[] = [];
const sockets = new Set<Socket>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-health-'));
  as = { prefix: [], environment: { PATH: '/usr/bin:/bin', GREETING: 'hello' }, directory: folder };
  monitor = createMonitor();
});

afterEach(async () => {
  await monitor[Symbol.asyncDispose]();
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true });
});

async function listen<S extends Server | HttpServer>(server: S): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const server = createTcp();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  servers.pop();
  return port;
}

type Some = Partial<Omit<Probe, 'failures'>> & { readonly failures?: number };

function probe(target: Probe['target'], { failures = 2, ...more }: Some = {}): Probe {
  return {
    ...{ name: 'p', target, every: 50, timeout: 20_000, failures: { count: failures, of: failures }, successes: 1 },
    ...{ startup: false, kind: 'both', about: 'self', level: 'critical', onFailure: 'none' },
    ...more,
  };
}

const http = (port: number, status?: number): Target => {
  return { kind: 'http', url: `http://127.0.0.1:${port}/health`, ...(status === undefined ? {} : { status }) };
};
const exec = (...command: string[]): Target => ({ kind: 'exec', command });
const attempt = (target: Target, timeout = 20_000) => tryTarget(target, as, { timeout }, NEVER);

async function serving(listener: RequestListener): Promise<number> {
  return listen(createHttp(listener));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

function alive(pid: number): boolean {
  try {
    // A zombie that nobody has waited for yet is as good as gone.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

it.each([
  [200, undefined, undefined],
  [302, undefined, undefined],
  [404, undefined, 'status 404'],
  [503, undefined, 'status 503'],
  [503, 503, undefined],
  [200, 204, 'status 200, not 204'],
])('http: a status of %i where %s is wanted: %s', async (given, wanted, verdict) => {
  // A redirect to nowhere would fail if it were followed.
  const port = await serving((_, response) => response.writeHead(given, { location: 'http://127.0.0.1:1/' }).end());
  expect(await attempt(http(port, wanted))).toBe(verdict);
});

it('http: an endless body passes by its status and is cut off', async () => {
  const closed = Promise.withResolvers<void>();
  const port = await serving((_, response) => {
    response.on('close', closed.resolve);
    const more = () => {
      while (response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', more);
    more();
  });
  expect(await attempt(http(port))).toBeUndefined();
  await closed.promise;
});

it('http: no answer in time, a reset, nonsense and a closed port fail in words', async () => {
  const hanging = await serving(() => {});
  expect(await attempt(http(hanging), 300)).toBe('no answer within 300ms');
  const resetting = await listen(createTcp((socket) => socket.on('data', () => socket.resetAndDestroy())));
  expect(await attempt(http(resetting))).toBe('connection reset');
  const nonsense = await listen(createTcp((socket) => socket.end('nonsense\r\n\r\n')));
  expect(await attempt(http(nonsense))).toBe('its answer is no HTTP');
  expect(await attempt(http(await closedPort()))).toBe('connection refused');
  expect(await attempt({ kind: 'http', url: 'http://:/' })).toMatch(/Invalid URL/);
});

it('http: a slow answer within the time passes', async () => {
  const port = await serving((_, response) => setTimeout(() => response.end('ok'), 300));
  expect(await attempt(http(port))).toBeUndefined();
});

it('http: asks again on the connection that was kept', async () => {
  let connections = 0;
  const server = createHttp((_, response) => response.end());
  server.on('connection', () => (connections += 1));
  const port = await listen(server);
  for (let i = 0; i < 3; i += 1) expect(await attempt(http(port))).toBeUndefined();
  expect(connections).toBe(1);
});

it('tcp: connects, or says why not', async () => {
  const port = await listen(createTcp());
  expect(await attempt({ kind: 'tcp', host: '127.0.0.1', port })).toBeUndefined();
  expect(await attempt({ kind: 'tcp', host: '127.0.0.1', port: await closedPort() })).toBe('connection refused');
  expect(await attempt({ kind: 'tcp', host: '127.0.0.1', port: 99_999 })).toMatch(/Port should be/);
});

it('exec: runs with the environment and folder of the service, behind what switches its user', async () => {
  const script = 'test "$GREETING" = hello && test -z "$HOME" && test "$(pwd -P)" = "$1"';
  expect(await attempt(exec('sh', '-c', script, 'sh', folder))).toBeUndefined();
  as = { ...as, prefix: ['env', 'GREETING=bye'] };
  expect(await attempt(exec('sh', '-c', 'test "$GREETING" = bye'))).toBeUndefined();
});

it('exec: says how it ended, and what could not be run', async () => {
  expect(await attempt(exec('sh', '-c', 'exit 7'))).toBe('exit code 7');
  expect(await attempt(exec('sh', '-c', 'kill -USR1 $$'))).toBe('ended by SIGUSR1');
  expect(await attempt(exec('no-such-program'))).toBe('cannot run no-such-program: no such file or directory');
  expect(await attempt(exec('a\0b'))).toMatch(/null bytes/);
});

it('exec: megabytes of output are no obstacle', async () => {
  expect(await attempt(exec('sh', '-c', 'head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2'))).toBeUndefined();
});

it('exec: what hangs and ignores TERM is killed with all that it started', async () => {
  const script = `trap '' TERM; sleep 1000 & echo $! > child; echo $$ > pid; wait; sleep 1000`;
  expect(await attempt(exec('sh', '-c', script), 3000)).toBe('did not end within 3s, killed');
  const pids = ['pid', 'child'].map((name) => Number(readFileSync(join(folder, name), 'utf8')));
  expect(pids.every((pid) => pid > 1)).toBe(true);
  await until(() => !pids.some(alive));
});

it('is none without probes, unknown before a result, then healthy', async () => {
  expect(monitor.state('s')).toEqual({ kind: 'none' });
  monitor.watch('s', [], as);
  expect(monitor.state('s')).toEqual({ kind: 'none' });
  expect(await monitor.ready('s', NEVER)).toEqual({ kind: 'none' });
  const port = await serving((_, response) => response.end());
  monitor.watch('s', [probe(http(port))], as);
  expect(monitor.state('s')).toEqual({ kind: 'unknown' });
  expect(await monitor.ready('s', NEVER)).toEqual({ kind: 'healthy' });
  expect(await monitor.ready('s', NEVER)).toEqual({ kind: 'healthy' });
  monitor.forget('s');
  expect(monitor.state('s')).toEqual({ kind: 'none' });
});

it('sees readiness long before the period of a probe has passed', async () => {
  const flag = join(folder, 'up');
  monitor.watch('s', [probe(exec('test', '-e', flag), { every: 3_600_000 })], as);
  const ready = monitor.ready('s', NEVER);
  await sleep(400);
  expect(monitor.state('s')).toEqual({ kind: 'unknown' });
  writeFileSync(flag, '');
  expect(await ready).toEqual({ kind: 'healthy' });
});

it('is unhealthy after so many failures in a row, and healthy after one pass; tells each change once', async () => {
  let status = 200;
  let asked = 0;
  const port = await serving((_, response) => {
    asked += 1;
    response.writeHead(status).end();
  });
  const changes: HealthState[] = [];
  const when = (kind: HealthState['kind']) => until(() => monitor.state('s').kind === kind);
  monitor.onChange((id, state) => {
    expect(id).toBe('s');
    changes.push(state);
  });
  monitor.watch('s', [probe(http(port), { failures: 3 })], as);
  await when('healthy');
  status = 500;
  const before = asked;
  await when('unhealthy');
  expect(asked - before).toBeGreaterThanOrEqual(3);
  status = 200;
  await when('healthy');
  const unhealthy = { kind: 'unhealthy', probe: 'p', why: 'status 500', about: 'self' };
  expect(changes).toEqual([{ kind: 'healthy' }, unhealthy, { kind: 'healthy' }]);
});

it('a slow start is unknown, not unhealthy, before its periods have passed', async () => {
  const port = await closedPort();
  let changes = 0;
  monitor.watch('s', [probe({ kind: 'tcp', host: '127.0.0.1', port }, { every: 3_600_000, failures: 2 })], as);
  monitor.onChange(() => (changes += 1));
  await sleep(900);
  expect(monitor.state('s')).toEqual({ kind: 'unknown' });
  expect(changes).toBe(0);
});

it('names a failing dependency, lets it delay no start, and puts what is wrong with the service itself first', async () => {
  let status = 200;
  const port = await serving((_, response) => response.writeHead(status).end());
  const closed = { kind: 'tcp', host: '127.0.0.1', port: await closedPort() } as const;
  const upstream = probe(closed, { name: 'up', about: 'dependency', failures: 1 });
  monitor.watch('s', [upstream, probe(http(port), { name: 'own', failures: 1 })], as);
  expect((await monitor.ready('s', NEVER)).kind).not.toBe('none');
  await until(() => monitor.state('s').kind === 'unhealthy');
  expect(monitor.state('s')).toMatchObject({ probe: 'up', why: 'connection refused', about: 'dependency' });
  status = 500;
  const own = () => {
    const state = monitor.state('s');
    return state.kind === 'unhealthy' && state.about === 'self';
  };
  await until(own);
  expect(monitor.state('s')).toMatchObject({ probe: 'own', why: 'status 500' });
});

it('who waits gets the state at an abort, and at a forget; a new watch is waited for', async () => {
  const closed = { kind: 'tcp', host: '127.0.0.1', port: await closedPort() } as const;
  monitor.watch('s', [probe(closed, { failures: 1 })], as);
  const abort = new AbortController();
  const first = monitor.ready('s', abort.signal);
  await until(() => monitor.state('s').kind === 'unhealthy');
  abort.abort();
  expect(await first).toMatchObject({ kind: 'unhealthy', why: 'connection refused' });
  expect(await monitor.ready('s', abort.signal)).toMatchObject({ kind: 'unhealthy' });

  const second = monitor.ready('s', NEVER);
  const port = await serving((_, response) => response.end());
  monitor.watch('s', [probe(http(port))], as);
  expect(await second).toEqual({ kind: 'healthy' });

  monitor.watch('s', [probe(closed, { failures: 1000 })], as);
  const third = monitor.ready('s', NEVER);
  monitor.forget('s');
  expect(await third).toEqual({ kind: 'unknown' });
});

it('starts all over where it watches anew, and forgets a try that was on its way', async () => {
  const port = await serving((_, response) => setTimeout(() => response.end(), 300));
  monitor.watch('s', [probe(http(port), { failures: 1 })], as);
  await sleep(100);
  const closed = { kind: 'tcp', host: '127.0.0.1', port: await closedPort() } as const;
  monitor.watch('s', [probe(closed, { failures: 1000 })], as);
  await sleep(600);
  expect(monitor.state('s')).toEqual({ kind: 'unknown' });
});

it('leaves no probe running when it is disposed of', async () => {
  monitor.watch('s', [probe(exec('sh', '-c', 'echo $$ > pid; sleep 1000; true'), { timeout: 600_000 })], as);
  const path = join(folder, 'pid');
  await until(() => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'));
  const waiting = monitor.ready('s', NEVER);
  await monitor[Symbol.asyncDispose]();
  expect(await waiting).toEqual({ kind: 'unknown' });
  await until(() => !alive(Number(readFileSync(path, 'utf8'))));
});

/** A probe that passes while a file is there. */
const present = (name: string, more: Some = {}): Probe => {
  return probe({ kind: 'file', path: name }, { name, every: 100, failures: 1, ...more });
};
const flag = (name: string) => writeFileSync(join(folder, name), '');
const unflag = (name: string) => rmSync(join(folder, name));
const verdict = (name: string) => monitor.probes('s').find((state) => state.probe.name === name)?.verdict.kind;

it('tries no other probe before the startup probe has passed once', async () => {
  flag('other');
  monitor.watch(
    's',
    [present('other'), present('up', { startup: true, failures: 2 }), present('dep', { about: 'dependency' })],
    as,
  );
  await until(() => verdict('up') === 'failing');
  await sleep(300);
  expect([verdict('other'), verdict('dep')]).toEqual(['unknown', 'unknown']);
  flag('up');
  await until(() => verdict('other') === 'passing' && verdict('dep') === 'failing');
  unflag('up');
  unflag('other');
  // Once is enough.
  await until(() => verdict('up') === 'failing' && verdict('other') === 'failing');
});

it('is ready with what readiness is about, whatever else fails', async () => {
  flag('ready');
  flag('both');
  const probes = [
    present('ready', { kind: 'readiness' }),
    present('both'),
    present('live', { kind: 'liveness' }),
    present('dep', { about: 'dependency' }),
  ];
  monitor.watch('s', probes, as);
  await monitor.ready('s', NEVER);
  expect(monitor.isReady('s')).toBe(true);
  await until(() => verdict('live') === 'failing' && verdict('dep') === 'failing');
  expect(monitor.isReady('s')).toBe(true);
  expect(monitor.state('s')).toMatchObject({ kind: 'unhealthy', probe: 'live', about: 'self' });
  flag('live');
  unflag('ready');
  await until(() => verdict('ready') === 'failing' && verdict('live') === 'passing');
  expect(monitor.isReady('s')).toBe(false);
  expect(monitor.state('s')).toMatchObject({ kind: 'unhealthy', probe: 'ready', about: 'self' });
  flag('ready');
  await until(() => monitor.isReady('s'));
  expect(monitor.state('s')).toMatchObject({ kind: 'unhealthy', probe: 'dep', about: 'dependency' });
});

it('counts no failure within the grace, and gives it anew with all counters at zero', async () => {
  monitor.watch('s', [present('up')], as, { pid: () => 7, grace: 400, wholeGrace: 700 });
  const [began] = [performance.now()];
  expect(monitor.pidOf('s')).toBe(7);
  await until(() => verdict('up') === 'failing');
  expect(performance.now() - began).toBeGreaterThan(400);
  const changes: string[] = [];
  monitor.onProbe((_, state, before) => changes.push(`${before.verdict.kind} -> ${state.verdict.kind}`));
  monitor.again('s');
  const again = performance.now();
  expect(verdict('up')).toBe('unknown');
  await until(() => verdict('up') === 'failing');
  expect(performance.now() - again).toBeGreaterThan(700);
  flag('up');
  await until(() => verdict('up') === 'passing');
  monitor.again('s');
  expect(verdict('up')).toBe('passing');
  expect(changes).toEqual(['failing -> unknown', 'unknown -> failing', 'failing -> passing']);
});

it('fails at so many of the last tries, though they are not in a row, and needs as many passes as it says', async () => {
  let asked = 0;
  const answers: number[] = [200];
  const port = await serving((_, response) => {
    asked += 1;
    response.writeHead(answers.shift() ?? 200).end();
  });
  const flaky = { ...probe(http(port), { every: 100 }), failures: { count: 3, of: 5 }, successes: 3 };
  monitor.watch('s', [flaky], as);
  await until(() => verdict('p') === 'passing');
  answers.push(500, 200, 500, 200, 500);
  await until(() => verdict('p') === 'failing');
  const then = asked;
  await until(() => verdict('p') === 'passing');
  expect(asked - then).toBe(3);
});

it('goes from start to start without drift, and passes over what it missed', async () => {
  const times: number[] = [];
  const port = await serving((_, response) => {
    times.push(performance.now());
    setTimeout(() => response.end(), times.length === 4 ? 250 : 30);
  });
  monitor.watch('s', [probe({ ...(http(port) as HttpTarget), body: '^$' }, { every: 100 })], as);
  await until(() => times.length >= 14);
  // The first is at once, the second begins the period.
  const off = times.slice(2).map((time) => (time - (times[1] ?? 0) + 50) % 100);
  for (const one of off) expect(Math.abs(one - 50)).toBeLessThan(45);
  const gaps = times.slice(2).map((time, i) => time - (times[i + 1] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThan(50);
  expect(gaps.filter((gap) => gap > 250)).toHaveLength(1);
});

it('tells that progress has stopped, and forgets what it has seen for a new process', async () => {
  writeFileSync(join(folder, 'log'), 'scan 471\n');
  const target = { kind: 'progress', from: { kind: 'file', path: 'log' }, regex: 'scan (\\d+)', within: 300 } as const;
  const scan = probe(target, { name: 'scan', every: 100, failures: 1 });
  monitor.watch('s', [scan], as);
  await monitor.ready('s', NEVER);
  await until(() => verdict('scan') === 'failing');
  expect(monitor.state('s')).toMatchObject({
    kind: 'unhealthy',
    why: expect.stringMatching(/^scan is at 471 for \d+ms$/),
  });
  monitor.watch('s', [scan], as);
  expect(await monitor.ready('s', NEVER)).toEqual({ kind: 'healthy' });
});

it('is told what can never be tried, and goes on', async () => {
  const bad = probe({ ...(http(1) as HttpTarget), body: '(' }, { name: 'bad', failures: 1 });
  flag('up');
  monitor.watch('s', [bad, present('up')], as);
  await until(() => verdict('bad') === 'failing' && verdict('up') === 'passing');
  expect(monitor.state('s')).toMatchObject({ probe: 'bad', why: 'cannot be tried: missing closing ): `(`' });
});
