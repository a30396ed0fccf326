import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServiceStatus, Status } from '../../src/model.ts';
import { createHost, type Host, until } from '../rig/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

const sleeper = (extra: object = {}) => ({
  supervisor: 'builtin',
  command: ['sleep', '600'],
  start: { ready: '0s' },
  dwell: '300ms',
  ...extra,
});
/** A probe that passes while a file of the host's is there. */
const probe = (name: string, file: string, more: object = {}) => ({
  name,
  exec: { command: ['test', '-e', join(host.folder, file)] },
  every: '100ms',
  failures: 1,
  ...more,
});
const put = (file: string) => writeFileSync(join(host.folder, file), '');
const away = (file: string) => rmSync(join(host.folder, file));
const one = async (name: string) => {
  const found = (await host.status()).find((service) => service.name === name);
  return found ?? ({} as Partial<ServiceStatus>);
};
const whole = async () => JSON.parse((await host.reconcile('status', '--json')).stdout) as Status;

test('what requires a service that is down waits for it, is blamed for nothing, and goes on when that is back', async () => {
  for (const file of ['ok', 'data']) put(file);
  const command = ['sh', '-c', `test -e ${join(host.folder, 'data')} && exec sleep 600`];
  host.write('db', sleeper({ command, start: { ready: '100ms', retries: 0 } }));
  host.write('web', sleeper({ group: 'site', requires: ['db'], health: [probe('api', 'ok')] }));
  const daemon = await host.daemon();
  // Each gets well at its own time.
  await until(async () => (await whole()).host.level === 'HEALTHY');
  expect(await whole()).toMatchObject({
    host: { level: 'HEALTHY', worst: [] },
    groups: [{ name: 'site', level: 'HEALTHY' }],
  });
  const pids = await host.pids();

  away('data');
  process.kill(pids.db ?? 0, 'SIGKILL');
  // What fails while nobody can know of that yet is told as its own.
  await until(async () => (await one('db')).pid === null);
  away('ok');
  await until(async () => ((await one('web')).note ?? '').includes('fails by that'));
  const web = await one('web');
  expect(web).toMatchObject({ state: 'RUNNING', level: 'DEGRADED', waitingFor: { name: 'db' }, pid: pids.web });
  expect(web.note).toMatch(/^waiting for db: FATAL: .* \(its api fails by that\)$/);
  expect(await whole()).toMatchObject({
    host: { level: 'DEAD', worst: ['db'] },
    groups: [{ name: 'site', level: 'DEGRADED' }],
  });
  const { stdout } = await host.reconcile('status');
  expect(stdout).toMatch(/^Host DEAD: db \(1 DEAD, 1 DEGRADED\)\nGroups: site DEGRADED\n/);
  expect(stdout).toMatch(/waiting for db \(since \d\d:\d\d UTC, \d+s ago\): FATAL: .*\s+\(its api fails by that\)/);

  for (const file of ['ok', 'data']) put(file);
  expect((await host.reconcile('start', 'db')).code).toBe(0);
  await until(async () => (await one('web')).level === 'HEALTHY');
  expect(await one('web')).toMatchObject({ waitingFor: null, note: null, pid: pids.web, restarts: 0 });
  await until(async () => (await whole()).host.level === 'HEALTHY');

  const told = daemon.output();
  for (const text of [
    /web: waiting for db: FATAL/,
    /web: HEALTHY -> DEGRADED \(waiting for db: FATAL: .*\)/,
    /db: HEALTHY -> DEAD \(FATAL: .*\)/,
    /the host: HEALTHY -> DEAD \(db\)/,
    /group site: HEALTHY -> DEGRADED \(web\)/,
    /web: no longer waiting for db, after \d+s/,
    /web: DEGRADED -> HEALTHY/,
    /the host: (DEAD|DEGRADED) -> HEALTHY/,
  ])
    expect(told).toMatch(text);
  const { stdout: explained } = await host.reconcile('explain', 'web');
  expect(explained).toMatch(/waiting for db: FATAL/);
  expect(explained).toMatch(/RUNNING under builtin, .*HEALTHY/);
});

test('a dependency probe that fails names the cause for all that require its service, and nothing is restarted', async () => {
  for (const file of ['ng6', 'api']) put(file);
  host.write('engine', sleeper({ health: [probe('ng6', 'ng6', { about: 'dependency' }), probe('api', 'api')] }));
  host.write('scanner', sleeper({ requires: ['engine'] }));
  await host.daemon();
  await until(async () => (await one('engine')).level === 'HEALTHY' && (await one('scanner')).level === 'HEALTHY');
  const pids = await host.pids();
  away('ng6');
  await until(async () => (await one('scanner')).waitingFor !== null);
  away('api');
  await until(async () => ((await one('engine')).note ?? '').includes('its api fails by that'));
  expect((await one('engine')).note).toBe('waiting for ng6: exit code 1 (its api fails by that)');
  expect((await one('scanner')).note).toBe('waiting for ng6 by way of engine: exit code 1');
  expect((await host.status()).map(({ level }) => level)).toEqual(['DEGRADED', 'DEGRADED']);
  // A service that waits and ends is restarted by its supervisor all the same, and waits still.
  process.kill(pids.scanner ?? 0, 'SIGKILL');
  await until(async () => ((await host.pids()).scanner ?? pids.scanner) !== pids.scanner);
  expect((await one('scanner')).waitingFor).toMatchObject({ name: 'ng6' });
  put('ng6');
  // What fails from now on is its own.
  await until(async () => (await one('engine')).level === 'CRITICAL');
  expect((await one('engine')).note).toBe('api: exit code 1');
  expect((await one('scanner')).note).toBe('waiting for engine: it is CRITICAL: api: exit code 1');
  expect((await host.pids()).engine).toBe(pids.engine);
});

test('a change is not blamed for what a dependency does', async () => {
  for (const file of ['ng6', 'api']) put(file);
  const health = [probe('ng6', 'ng6', { about: 'dependency' }), probe('api', 'api')];
  host.write('engine', sleeper({ health, soak: '3s' }));
  const daemon = await host.daemon();
  await until(async () => (await one('engine')).level === 'HEALTHY');
  away('ng6');
  await until(async () => (await one('engine')).waitingFor !== null);
  away('api');
  await daemon.saw(/engine: changed, and stayed well/);
  expect(daemon.output()).not.toContain('did not stay well');
  expect(await one('engine')).toMatchObject({ level: 'DEGRADED', waitingFor: { name: 'ng6' } });
});

test('a crash loop is DEAD throughout, with one line in the log for it', async () => {
  host.write('loop', {
    supervisor: 'builtin',
    command: ['sh', '-c', 'echo started; sleep 0.2; exit 1'],
    start: { ready: '0s' },
    restart: { backoff: { initial: '100ms', max: '100ms' }, limit: { restarts: 100, within: '1m' } },
  });
  const daemon = await host.daemon();
  const starts = () => {
    const log = join(host.runtime, 'logs/loop.log');
    return existsSync(log) ? (readFileSync(log, 'utf8').match(/started/g)?.length ?? 0) : 0;
  };
  await until(() => starts() >= 6);
  expect(await one('loop')).toMatchObject({ level: 'DEAD' });
  expect(daemon.output().match(/loop: .*-> DEAD|loop: DEAD/g)).toHaveLength(1);
});

test('without a daemon the level is what the run says', async () => {
  host.write('web', sleeper({ state: 'manual' }));
  host.write('db', sleeper());
  host.write('api', sleeper({ requires: ['db'], health: [probe('api', 'ok')] }));
  expect((await host.status()).map(({ name, level }) => [name, level])).toEqual([
    ['api', 'DEAD'],
    ['db', 'DEAD'],
    ['web', null],
  ]);
  expect((await one('api')).note).toBe('waiting for db: it is not there');
});
