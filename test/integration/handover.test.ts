import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { commandOf, listPids, statOf } from '../../src/host/procfs.ts';
import { createHost, type Host, until } from '../rig/host.ts';

/** Without a supervisor besides the embedded one, and without root: processes that people have started by hand. */
const SCRIPT = '#!/bin/sh\nwhile :; do sleep 100; done\n';

let host: Host;
let app: string;
const started: number[] = [];

beforeEach(async () => {
  host = await createHost();
  app = join(host.folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'web.sh'), SCRIPT, { mode: 0o755 });
});

afterEach(async () => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended by itself, or was ended.
    }
  }
  await host[Symbol.asyncDispose]();
});

const ARGV = ['sh', 'web.sh', '--port', '1'];
const WEB = { supervisor: 'builtin', command: ARGV, soak: '200ms', start: { ready: '100ms' } };

const running = (argv: readonly string[] = ARGV) =>
  listPids().filter((pid) => commandOf(pid).join('\0') === argv.join('\0'));

/** By a shell that ends at once: what it starts is nobody's child. */
async function byHand(argv: readonly string[] = ARGV): Promise<number> {
  const before = running(argv);
  spawn('sh', ['-c', 'cd "$0" && setsid nohup "$@" >/dev/null 2>&1 &', app, ...argv], { stdio: 'ignore' });
  const fresh = () => running(argv).find((pid) => !before.includes(pid) && statOf(pid)?.ppid === 1);
  await until(() => fresh() !== undefined);
  const pid = fresh() ?? 0;
  started.push(pid);
  return pid;
}

it('takes over what was started by hand, and then there is nothing to do', async () => {
  const old = await byHand();
  const other = await byHand(['sh', 'web.sh', '--port', '2']);
  host.write('web', { ...WEB, directory: app, autostart: false, supersedes: [{ process: ARGV }] });
  const dry = await host.reconcile('--dry-run');
  expect([dry.code, dry.stdout]).toEqual([2, expect.stringContaining(`which runs as pid ${old}`)]);
  expect(running()).toEqual([old]);
  const { code, stdout } = await host.reconcile();
  expect([code, stdout]).toEqual([0, expect.stringMatching(/handed over, pid \d+, \d+ ms without a process/)]);
  const [now, ...more] = running();
  expect([more, now === old]).toEqual([[], false]);
  expect(await host.pids()).toEqual({ web: now });
  expect(statOf(other)).toBeDefined();
  expect((await host.reconcile('--dry-run')).code).toBe(0);
});

it('starts the new one first where two copies do no harm, and never has none', async () => {
  const old = await byHand();
  const settings = { ...WEB, directory: app, supersedes: [{ process: ARGV }], handover: 'start-first' };
  host.write('web', settings);
  let fewest = 1;
  const watch = setInterval(() => {
    fewest = Math.min(fewest, running().length);
  }, 2);
  const { code, stdout } = await host.reconcile();
  clearInterval(watch);
  expect([code, stdout]).toEqual([0, expect.stringContaining('0 ms without a process')]);
  expect(fewest).toBe(1);
  expect(statOf(old)?.state ?? 'gone').toMatch(/Z|gone/);
  expect(Object.values(await host.pids())).toEqual(running());
});

it('starts no second copy beside a stray; a policy, or a person, may say otherwise', async () => {
  const stray = await byHand();
  const alike = await byHand(['sh', 'web.sh', '--port', '1', '--debug']);
  host.write('web', { ...WEB, directory: app });
  const held = await host.reconcile();
  expect([held.code, held.stdout]).toEqual([3, expect.stringContaining(`pid ${stray} runs it already`)]);
  expect(running()).toEqual([stray]);
  host.write('policy.yaml', { owner: host.owner, strays: 'stop' });
  expect((await host.reconcile()).code).toBe(0);
  expect(statOf(stray)?.state ?? 'gone').toMatch(/Z|gone/);
  expect(statOf(alike)).toBeDefined();
  const { web } = await host.pids();
  expect(running()).toEqual([web]);
  // Beside what runs, it is only ended.
  const again = await byHand();
  expect((await host.reconcile()).code).toBe(0);
  expect(statOf(again)?.state ?? 'gone').toMatch(/Z|gone/);
  expect(await host.pids()).toEqual({ web });
  host.write('policy.yaml', { owner: host.owner });
  const third = await byHand();
  const told = await host.reconcile('--dry-run');
  expect([told.code, told.stdout]).toEqual([0, expect.stringContaining(`pid ${third} beside it`)]);
});

it('stops nothing where a stranger holds the port, or its command is not there', async () => {
  const old = await byHand();
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { readonly port: number };
  try {
    const health = [{ name: 'up', tcp: { address: `127.0.0.1:${port}` } }];
    const settings = { ...WEB, directory: app, supersedes: [{ process: ARGV }] };
    host.write('web', { ...settings, health });
    const held = await host.reconcile();
    expect([held.code, held.stdout.replace(/\s+/g, ' ')]).toEqual([
      3,
      expect.stringContaining(`port ${port} is held by pid ${process.pid}`),
    ]);
    expect(running()).toEqual([old]);
    host.write('web', { ...settings, command: ['/nowhere/web'] });
    expect((await host.reconcile()).code).toBe(3);
    expect(running()).toEqual([old]);
  } finally {
    server.close();
  }
});
