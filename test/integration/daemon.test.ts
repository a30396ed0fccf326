import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
  ...extra,
});
const mains = () => host.processes().filter(({ command }) => command === 'sleep 600');

test('the daemon applies, watches, and applies what is saved', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  await until(async () => (await host.pids()).web);
  const { web } = await host.pids();
  host.write('other', sleeper());
  await until(async () => (await host.pids()).other);
  host.write('web', sleeper({ environment: { A: '1' } }));
  await until(async () => ((await host.pids()).web ?? web) !== web);
  expect(await daemon.stop()).toBe(0);
});

test('SIGTERM ends the daemon and leaves its services; the next one takes them back as they are', async () => {
  host.write('web', sleeper());
  const first = await host.daemon();
  await until(async () => (await host.pids()).web);
  const before = await host.pids();
  expect(await first.stop()).toBe(0);
  expect(await host.pids()).toEqual(before);
  const second = await host.daemon();
  await second.saw('ready');
  expect(await host.pids()).toEqual(before);
  process.kill(before.web ?? 0, 'SIGKILL');
  await until(async () => ((await host.pids()).web ?? before.web) !== before.web);
  expect(mains()).toHaveLength(1);
});

test('what ended while no daemon ran is seen and restarted by the next', async () => {
  host.write('web', sleeper());
  const first = await host.daemon();
  await until(async () => (await host.pids()).web);
  const { web = 0 } = await host.pids();
  await first.stop('SIGKILL');
  process.kill(web, 'SIGKILL');
  await until(() => mains().length === 0);
  await sleep(300); // without a daemon nothing may restart it
  expect(mains()).toEqual([]);
  await host.daemon();
  await until(async () => (await host.pids()).web);
  expect(mains()).toHaveLength(1);
});

test('a file saved half-written or invalid changes nothing, says so, and mending it goes on', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  await until(async () => (await host.pids()).web);
  const before = await host.pids();
  host.write('web', 'supervisor: builtin\ncommand: [sleep, "600"\n');
  await daemon.saw('services/web.yaml');
  expect(await host.pids()).toEqual(before);
  expect((await host.reconcile('validate')).code).toBe(1);
  host.write('web', sleeper({ environment: { MENDED: '1' } }));
  await until(async () => ((await host.pids()).web ?? before.web) !== before.web);
});

test('a daemon that boots with invalid files starts from the last good state', async () => {
  host.write('web', sleeper());
  const first = await host.daemon();
  await until(async () => (await host.pids()).web);
  expect(await first.stop()).toBe(0);
  process.kill((await host.pids()).web ?? 0, 'SIGKILL');
  host.write('web', 'nonsense: true\n');
  const second = await host.daemon();
  await second.saw('services/web.yaml');
  await until(async () => (await host.pids()).web);
});

test('a second daemon on one runtime folder refuses and names the first', async () => {
  host.write('web', sleeper());
  const first = await host.daemon();
  await first.saw('ready');
  const second = await host.daemon();
  expect(await second.stop('SIGCONT')).toBe(1);
  expect(second.output()).toContain(`pid ${first.child.pid}`);
});

test('with a daemon the command line asks it, and another desired state is refused', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  await until(async () => (await host.pids()).web);
  const { code, stdout, stderr } = await host.reconcile();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('No changes');
  const other = await createHost();
  try {
    other.write('web', sleeper());
    const refused = await host.reconcile('--desired-state', other.desired);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`applies ${host.desired}`);
  } finally {
    await other[Symbol.asyncDispose]();
  }
  expect(await daemon.stop()).toBe(0);
});

test('--stop-services ends the services too, of a daemon that runs and of its own', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  await until(async () => (await host.pids()).web);
  const asked = await host.reconcile('daemon', '--stop-services');
  expect(asked.code).toBe(0);
  expect(await daemon.stop('SIGCONT')).toBe(0);
  expect(host.processes()).toEqual([]);
  const other = await host.daemon('--stop-services');
  await until(async () => (await host.pids()).web);
  expect(await other.stop()).toBe(0);
  expect(host.processes()).toEqual([]);
});

test('what is stopped with the daemon, as was asked for, is not told as unwell', async () => {
  host.write('web', sleeper({ dwell: '0s' }));
  const slow = 'trap "sleep 1; exit" TERM; while :; do sleep 0.05; done';
  host.write('slow', sleeper({ command: ['sh', '-c', slow], dwell: '0s' }));
  const daemon = await host.daemon('--stop-services');
  await until(async () => (await host.status()).every(({ state }) => state === 'RUNNING'));
  const stopped = daemon.stop();
  await until(() => daemon.output().includes('web: STOPPING -> STOPPED'));
  await host.status();
  expect(await stopped).toBe(0);
  expect(daemon.output()).not.toContain('DEAD');
});

test('--stop-services stops what comes after first', async () => {
  const told = (name: string, after: string[]) =>
    sleeper({
      command: ['sh', '-c', `trap 'echo ${name} >>order; exit' TERM; while :; do sleep 0.05; done`],
      directory: host.folder,
      start: { ready: '100ms', after },
    });
  host.write('base', told('base', []));
  host.write('middle', told('middle', ['base']));
  host.write('top', told('top', ['middle']));
  const daemon = await host.daemon('--stop-services');
  await until(async () => (await host.status()).every(({ state }) => state === 'RUNNING'));
  expect(await daemon.stop()).toBe(0);
  expect(readFileSync(join(host.folder, 'order'), 'utf8')).toBe('top\nmiddle\nbase\n');
});

test('a crash loop is restarted with backoff, becomes FATAL, and is not hammered', async () => {
  host.write('loop', {
    supervisor: 'builtin',
    command: ['sh', '-c', 'echo started; exit 3'],
    start: { ready: '1s', retries: 2 },
    restart: { backoff: { initial: '50ms', max: '100ms' } },
  });
  await host.daemon();
  await until(async () => (await host.status())[0]?.state === 'FATAL');
  const starts = () => readFileSync(join(host.runtime, 'logs/loop.log'), 'utf8').match(/started/g)?.length;
  expect(starts()).toBe(3);
  await sleep(500); // nothing may start it again
  expect(starts()).toBe(3);
});

test('the health of a running service shows in status', async () => {
  host.write('web', sleeper({ health: [{ name: 'yes', exec: { command: ['true'] }, every: '100ms' }] }));
  host.write(
    'sick',
    sleeper({
      health: [{ name: 'port', tcp: { address: '127.0.0.1:1' }, every: '100ms', failures: 1 }],
      start: { ready: '0s', timeout: '500ms' },
    }),
  );
  await host.daemon();
  await until(async () => (await host.status()).map(({ health }) => health).join() === 'unhealthy,healthy');
});

test('a command that comes while the daemon is just starting waits for it', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  await until(
    () => existsSync(join(host.runtime, 'lock')) && readFileSync(join(host.runtime, 'lock'), 'utf8').includes('daemon'),
  );
  const { code, stderr } = await host.reconcile();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(mains()).toHaveLength(1);
  expect(await daemon.stop()).toBe(0);
});
