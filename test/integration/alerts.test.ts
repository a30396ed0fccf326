import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, it } from 'vitest';
import { createHook, type Hook } from '../rig/hook.ts';
import { createHost, type DaemonProcess, type Host, until } from '../rig/host.ts';

const schema = JSON.parse(readFileSync(new URL('../../docs/alert.schema.json', import.meta.url), 'utf8')) as object;
const ajv = new Ajv2020({ allErrors: true });
(addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
const isAlert = ajv.compile(schema);

/** A host, somebody who is told, and a daemon. Hosts run at the same time: no two programs of theirs may look the same. */
class World implements AsyncDisposable {
  readonly host: Host;
  readonly hook: Hook;
  private constructor(host: Host, hook: Hook) {
    this.host = host;
    this.hook = hook;
  }
  static async create(): Promise<World> {
    return new World(await createHost(), await createHook());
  }
  async [Symbol.asyncDispose]() {
    await this.host[Symbol.asyncDispose]();
    await this.hook[Symbol.asyncDispose]();
    for (const body of this.hook.got) expect([isAlert(body), isAlert.errors]).toEqual([true, null]);
  }
  tell(...alerts: readonly object[]): void {
    this.host.write('policy.yaml', { owner: this.host.owner, alerts });
  }
  async start(): Promise<DaemonProcess> {
    const daemon = await this.host.daemon();
    await daemon.saw('"event":"ready"');
    return daemon;
  }
  web(command: string): void {
    this.host.write('web', {
      supervisor: 'builtin',
      command: ['/bin/sh', '-c', command],
      start: { ready: '200ms', retries: 1 },
      restart: { backoff: { initial: '100ms' } },
    });
  }
  words(): readonly string[] {
    return this.hook.got.map(({ key, state }) => `${key} ${state}`);
  }
}

it.concurrent('tells once that a service is FATAL, through a restart of the daemon, and once that it is well again', async () => {
  await using world = await World.create();
  const { host, hook } = world;
  world.tell({ name: 'ops', webhook: { url: hook.url } });
  const flag = join(host.folder, 'mended');
  world.web(`test -e ${flag} && exec sleep 4001; exit 3`);
  let daemon = await world.start();
  await until(() => hook.got.length > 0);
  expect(hook.got[0]).toMatchObject({
    key: 'down:web',
    kind: 'down',
    severity: 'critical',
    state: 'firing',
    service: 'web',
    owner: host.owner,
    title: 'web is FATAL: could not be started, tried 2 times in a row: exit code 3',
    hint: 'reconcile explain web; once that is mended: reconcile start web',
  });

  await daemon.stop();
  daemon = await world.start();
  await sleep(4000);
  expect(world.words()).toEqual(['down:web firing']);
  await daemon.stop('SIGKILL');
  daemon = await world.start();
  await sleep(4000);
  expect(world.words()).toEqual(['down:web firing']);

  writeFileSync(flag, '');
  expect((await host.reconcile('start', 'web')).code).toBe(0);
  await until(() => hook.got.length > 1);
  expect(world.words()).toEqual(['down:web firing', 'down:web resolved']);
  expect(hook.got[1]).toMatchObject({ severity: 'critical', hint: null });
  expect(hook.got[1]?.lasted).toBeGreaterThan(1000);
  expect(hook.got[1]?.since).toBe(hook.got[0]?.since);
});

it.concurrent('tells of what was mended while no daemon ran that it is over', async () => {
  await using world = await World.create();
  const { host, hook } = world;
  world.tell({ name: 'ops', webhook: { url: hook.url } });
  world.web('exit 3');
  let daemon = await world.start();
  await until(() => hook.got.length > 0);
  await daemon.stop();
  world.web('exec sleep 4002');
  expect((await host.reconcile()).code).toBe(0);
  daemon = await world.start();
  await until(() => hook.got.length > 1);
  expect(world.words()).toEqual(['down:web firing', 'down:web resolved']);
});

it.concurrent('tells of thirty that fail at once in one, and of an invalid desired state until it is valid', async () => {
  await using world = await World.create();
  const { host, hook } = world;
  world.tell({ name: 'ops', webhook: { url: hook.url } });
  for (let i = 0; i < 30; i += 1)
    host.write(`worker-${i}`, {
      supervisor: 'builtin',
      command: ['/bin/false'],
      group: 'workers',
      start: { retries: 0 },
    });
  await world.start();
  await until(() => hook.got.some(({ count }) => count === 30));
  await sleep(3000);
  expect(hook.got).toHaveLength(1);
  expect(hook.got[0]).toMatchObject({ key: 'down:*', group: 'workers', service: null });
  const members = (hook.got[0]?.members ?? []) as { readonly key: string }[];
  expect(members.map(({ key }) => key).sort()[0]).toBe('down:worker-0');

  host.write('broken', 'comand: [x]\n');
  await until(() => world.words().includes('desired-state firing'));
  expect(hook.got.at(-1)?.text).toContain("unknown key 'comand'");
  host.remove('broken');
  await until(() => world.words().includes('desired-state resolved'));
});

it.concurrent('goes on while a target hangs and another fails, says so once, and tells what was kept when it works', async () => {
  await using world = await World.create();
  const { host, hook } = world;
  hook.answer((_, response) => response.writeHead(503).end());
  world.tell(
    { name: 'ops', webhook: { url: hook.url } },
    { name: 'pager', exec: { command: ['/bin/sleep', '4003'] }, timeout: '500ms' },
  );
  world.web('exit 3');
  let daemon = await world.start();
  await daemon.saw(/alerts can't be told to 'ops' \(webhook 127\.0\.0\.1:\d+\), it is tried again: status 503/);
  await daemon.saw(
    /alerts can't be told to 'pager' \(exec \/bin\/sleep\), it is tried again: did not end within 500ms/,
  );
  const { stdout } = await host.reconcile('status');
  expect(stdout).toContain("alerts can't be told to 'ops' (webhook 127.0.0.1:");
  host.write('api', { supervisor: 'builtin', command: ['sleep', '4004'] });
  await until(async () => (await host.pids()).api !== undefined);

  // What could not be told is told by the next daemon.
  const begun = performance.now();
  await daemon.stop();
  expect(performance.now() - begun).toBeLessThan(8000);
  expect(daemon.output().match(/alerts can't be told to 'ops'/g)).toHaveLength(1);
  const file = join(host.runtime, 'state', 'alerts.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  hook.got.length = 0;
  hook.answer((_, response) => response.end());
  daemon = await world.start();
  await until(() => hook.got.length > 0);
  await sleep(3000);
  expect(world.words()).toEqual(['down:web firing']);
});

it.concurrent('tells what it would have done where it only observes', async () => {
  await using world = await World.create();
  const { host, hook } = world;
  host.write('policy.yaml', {
    owner: host.owner,
    mode: 'observe',
    alerts: [{ name: 'ops', webhook: { url: hook.url } }],
  });
  host.write('api', { supervisor: 'builtin', command: ['sleep', '4005'] });
  await world.start();
  await until(() => hook.got.length > 0);
  expect(hook.got[0]).toMatchObject({
    key: 'observed:api',
    severity: 'warning',
    title: 'would have created api: mode: observe',
  });
  expect(await host.pids()).toEqual({});
});

it.concurrent('begins anew where what it kept is damaged, and says so', async () => {
  await using world = await World.create();
  const { host, hook } = world;
  world.tell({ name: 'ops', webhook: { url: hook.url } });
  world.web('exit 3');
  let daemon = await world.start();
  await until(() => hook.got.length > 0);
  await daemon.stop();
  writeFileSync(join(host.runtime, 'state', 'alerts.json'), '{"version":1,"book":');
  daemon = await world.start();
  await daemon.saw('what was told may be told again');
  await until(() => world.words().filter((word) => word === 'down:web firing').length === 2);
});

it.concurrent('tests every target, or one, without a daemon, and says what came back', async () => {
  await using world = await World.create();
  const { host, hook } = world;
  const script = join(host.folder, 'page');
  writeFileSync(script, `#!/bin/sh\ncat > ${host.folder}/paged\n`);
  chmodSync(script, 0o755);
  host.write('api', { supervisor: 'builtin', command: ['sleep', '4006'] });
  expect(await host.reconcile('alert', 'test')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('declares none'),
  });
  world.tell(
    { name: 'ops', webhook: { url: hook.url }, least: 'critical' },
    { name: 'pager', exec: { command: [script] } },
    { name: 'dead', webhook: { url: 'http://127.0.0.1:1/' } },
  );
  const all = await host.reconcile('alert', 'test');
  expect(all.code).toBe(1);
  expect(all.stdout.replaceAll(/\([0-9.]+m?s\)/g, '(TIME)').replace(/:\d{4,}/, ':PORT')).toBe(
    `ops    told    webhook 127.0.0.1:PORT: 200 ok (TIME)
pager  told    exec ${script}: exit code 0 (TIME)
dead   failed  webhook 127.0.0.1:1: connection refused (TIME)
`,
  );
  expect(hook.got).toMatchObject([{ key: 'test', kind: 'test', severity: 'info' }]);
  const paged = JSON.parse(readFileSync(join(host.folder, 'paged'), 'utf8')) as object;
  expect([isAlert(paged), isAlert.errors]).toEqual([true, null]);

  const one = await host.reconcile('alert', 'test', 'ops', '--json');
  expect([one.code, JSON.parse(one.stdout)]).toMatchObject([
    0,
    { targets: [{ name: 'ops', ok: true, answer: '200 ok', why: null }] },
  ]);
  expect(await host.reconcile('alert', 'test', 'opps')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("did you mean 'ops'?"),
  });
  expect(existsSync(join(host.runtime, 'state', 'alerts.json'))).toBe(false);
});

it.concurrent('refuses what is no way of telling, and a URL that is a secret', async () => {
  await using world = await World.create();
  const { host } = world;
  host.write('api', { supervisor: 'builtin', command: ['sleep', '4007'] });
  world.tell(
    { name: 'ops', webhook: { url: 'https://hooks.slack.com/services/T024BE7LD/B024BE7LD/XXXX2XXXXxxxxXXXXxxxXXX1' } },
    { name: 'ops', webhook: { url: 'http://me:pass@example.org/' }, services: [] },
    { name: 'pager', exec: { command: ['page'] }, timeout: '0s' },
  );
  const { code, stderr } = await host.reconcile('validate');
  expect(code).toBe(1);
  for (const text of [
    'alerts[0].webhook.url: holds a password or a token',
    'urlFile: /etc/reconciled/alerts.url',
    "alerts[1].name: 'ops' is there twice",
    'alerts[1].webhook.url: holds a password or a token',
    'alerts[1].services: it is about no service',
    "alerts[2].exec.command[0]: 'page' is not an absolute path",
    'alerts[2].timeout: nothing is that fast',
  ])
    expect(stderr).toContain(text);
  expect(stderr).not.toContain('me:pass');
});
