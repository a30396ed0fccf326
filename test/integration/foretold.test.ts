import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHost, type Host, type Result, until } from '../rig/host.ts';

let host: Host;
const servers: Server[] = [];
beforeEach(async () => {
  host = await createHost();
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await host[Symbol.asyncDispose]();
});

const sleeper = (extra: object = {}) => ({
  supervisor: 'builtin',
  command: ['sleep', '600'],
  start: { ready: '0s' },
  ...extra,
});
const socket = () => join(host.runtime, 'control.sock');

async function listen(path: string, serve: (client: Socket) => void): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (client) => serve(client.on('error', () => {})));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

/** Stands before the daemon's socket: what it was asked for plans, and what it answered. */
async function overhear(): Promise<{ readonly asked: string[]; readonly answers: string[] }> {
  const [asked, answers]: [string[], string[]] = [[], []];
  renameSync(socket(), join(host.runtime, 'behind.sock'));
  await listen(socket(), (client) => {
    const daemon = connect(join(host.runtime, 'behind.sock')).on('error', () => client.destroy());
    let [question, answer] = ['', ''];
    client.on('data', (chunk) => {
      question += chunk;
      daemon.write(chunk);
    });
    daemon.on('data', (chunk) => {
      answer += chunk;
      client.write(chunk);
    });
    daemon.once('close', () => {
      if (question.startsWith('POST /v1/plan ')) {
        asked.push(question);
        answers.push(answer);
      }
      client.end();
    });
  });
  return { asked, answers };
}

/** The same without the daemon. */
async function alone(...args: readonly string[]): Promise<Result> {
  const hidden = join(host.runtime, 'hidden.sock');
  renameSync(socket(), hidden);
  try {
    return await host.reconcile(...args);
  } finally {
    renameSync(hidden, socket());
  }
}

/** Starts a daemon and gives it something to wait for, so that what is saved then is still to be done. */
async function busyDaemon(): Promise<void> {
  host.write('web', sleeper({ environment: { DB_PASSWORD: 'hunter2', A: '1' } }));
  host.write('old', sleeper());
  const daemon = await host.daemon();
  await until(async () => Object.keys(await host.pids()).length === 2);
  host.write('slow', sleeper({ start: { ready: '10m' } }));
  await daemon.saw(/slow.*STARTING/);
}

test('a dry run is the same, byte for byte, by the daemon and without it, also while that applies', async () => {
  await busyDaemon();
  host.write('web', sleeper({ environment: { DB_PASSWORD: 'hunter3', A: '2' } }));
  host.write('old', sleeper({ state: 'absent' }));
  host.write('new', sleeper({ group: 'g' }));
  host.write('lost', sleeper({ command: ['/no/such/program'] }));
  host.write('later', sleeper({ autostart: false }));
  const { asked, answers } = await overhear();
  const saved = join(host.folder, 'plan.json');
  const all: readonly (readonly string[])[] = [
    ['--dry-run'],
    ['--dry-run', '--json'],
    ['plan'],
    ['plan', '--only', 'web', '--json'],
    ['--dry-run', '--only', 'g:*'],
    ['--dry-run', '--only', 'webb'],
    ['--dry-run', '--only', 'nobody:*', '--json'],
    ['plan', '--restart-staged', '--claim'],
    ['plan', '--out', saved],
  ];
  for (const args of all) {
    const before = asked.length;
    const told = await host.reconcile(...args);
    expect([args, asked.length]).toEqual([args, before + 1]);
    const file = existsSync(saved) ? readFileSync(saved, 'utf8') : undefined;
    expect([args, told]).toEqual([args, await alone(...args)]);
    if (file !== undefined) expect(readFileSync(saved, 'utf8')).toBe(file);
  }
  const { code, stdout } = await host.reconcile('--dry-run');
  expect(code).toBe(2);
  expect(stdout).toMatch(/web +restart pid \d+, new definition/);
  expect(stdout).toMatch(/! lost +held/);
  expect(answers.every((answer) => answer.startsWith('HTTP/1.1 200 '))).toBe(true);
  expect(answers.join()).not.toContain('hunter');
  // What was planned by the daemon is what an apply takes.
  rmSync(saved);
  await host.reconcile('plan', '--only', 'new', '--out', saved);
  expect(JSON.parse(readFileSync(saved, 'utf8'))).toMatchObject({ only: ['new'], steps: [{ service: 'new' }] });
}, 240_000);

test('what is invalid is told as without a daemon, and never what was last good', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  await until(async () => (await host.pids()).web);
  const { asked } = await overhear();
  host.write('web', 'supervisor: builtin\ncommand: [sleep, "600"\n');
  host.write('other', sleeper({ limits: { openFile: 5 }, drift: 'hold' }));
  await daemon.saw('services/web.yaml');
  for (const args of [['--dry-run'], ['--dry-run', '--json'], ['plan']]) {
    const told = await host.reconcile(...args);
    expect(told.code).toBe(1);
    expect(told.stdout + told.stderr).toContain('services/web.yaml');
    expect(told.stdout + told.stderr).toContain('openFile');
    expect(told).toEqual(await alone(...args));
  }
  // And what only its supervisor refuses, with its place.
  host.write('web', sleeper());
  host.write('other', sleeper({ drift: 'hold' }));
  const told = await host.reconcile('--dry-run');
  expect(told.stderr).toMatch(/services\/other.yaml:\d+:\d+/);
  expect(told).toEqual(await alone('--dry-run'));
  expect(asked).toHaveLength(4);
});

test('a daemon is not asked about another host, folder or owner than its own, or says that it is not its', async () => {
  host.write('web', sleeper());
  await host.daemon();
  await until(async () => (await host.pids()).web);
  const { answers } = await overhear();
  const other = await createHost();
  try {
    other.write('another', sleeper());
    const elsewhere = [
      ['--dry-run', '--desired-state', other.desired],
      ['--dry-run', '--host', 'elsewhere'],
      ['--dry-run', '--log-dir', host.folder],
      ['--dry-run', '--state-dir', join(host.folder, 'other')],
    ];
    for (const args of elsewhere) {
      const told = await host.reconcile(...args);
      expect(answers.pop()).toMatch(/\{"kind":"other"\}\n$/);
      expect([args, told]).toEqual([args, await alone(...args)]);
    }
    expect((await host.reconcile(...(elsewhere[0] ?? []))).stdout).toContain('another');
  } finally {
    await other[Symbol.asyncDispose]();
  }
  host.write('policy.yaml', 'owner: somebody-else\n');
  const told = await host.reconcile('--dry-run');
  expect(answers.pop()).toMatch(/\{"kind":"other"\}\n$/);
  expect(told).toEqual(await alone('--dry-run'));
});

test('where the daemon does not answer, nothing is said of it and the plan is made here', async () => {
  host.write('web', sleeper());
  const own = await host.reconcile('--dry-run');
  expect(own).toMatchObject({ code: 2, stderr: '' });
  await host.reconcile();
  await host.reconcile('--only', 'web');
  const settled = await host.reconcile('--dry-run');
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n';
  const answers: Readonly<Record<string, (client: Socket) => void>> = {
    'is silent': () => {},
    'hangs up': (client) => client.destroy(),
    'is older': (client) => client.end('HTTP/1.1 404 Not Found\r\n\r\n{"problems":[]}'),
    'found it invalid': (client) => client.end('HTTP/1.1 400 Bad Request\r\n\r\n{"problems":[]}'),
    'breaks off': (client) => client.end(`${head}{"kind":"plan","plan":{"version":1`),
    'says something else': (client) => client.end(`${head}{"kind":"plan","plan":{"version":2,"steps":[]}}`),
    'says nothing': (client) => client.end(head),
    'is no daemon': (client) => client.end('\0\0\0'),
  };
  for (const [what, answer] of Object.entries(answers)) {
    await listen(socket(), (client) => client.once('data', () => answer(client)));
    expect([what, await host.reconcile('--dry-run')]).toEqual([what, settled]);
    servers.pop()?.close();
    rmSync(socket(), { force: true });
  }
});
