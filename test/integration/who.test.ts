import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { WhoProcess, WhoReport } from '../../src/cli/views/who.ts';
import { commandOf, listPids, statOf } from '../../src/host/procfs.ts';
import { createHost, type Host, until } from '../rig/host.ts';
import { hasSupervisord } from '../rig/supervisord/needs.ts';

/** Programs of this test alone: a sleep of a length that nobody else uses. */
const SCRIPT = '#!/bin/sh\nwhile :; do sleep 100; done\n';

let host: Host;
let app: string;
const started: number[] = [];

beforeEach(async () => {
  host = await createHost();
  app = join(host.folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'web.sh'), SCRIPT, { mode: 0o755 });
  host.write('web', { supervisor: 'builtin', command: ['sh', 'web.sh', '--port', '7'], directory: app });
});

afterEach(async () => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await host[Symbol.asyncDispose]();
});

/** The pids of all processes with exactly these arguments. */
const running = (...argv: readonly string[]) =>
  listPids().filter((pid) => commandOf(pid).join('\0') === argv.join('\0'));

/** By a shell that ends at once: what it starts is nobody's child. */
async function byHand(line: string, ...argv: readonly string[]): Promise<number> {
  spawn('sh', ['-c', `cd '${app}' && ${line} >/dev/null 2>&1 &`], { stdio: 'ignore' });
  let pid = 0;
  await until(() => {
    const [found] = running(...argv).filter((one) => !started.includes(one) && statOf(one)?.ppid === 1);
    pid = found ?? 0;
    return pid > 0;
  });
  started.push(statOf(pid)?.pgrp ?? pid);
  return pid;
}

async function who(what: string): Promise<WhoReport> {
  const { code, stdout, stderr } = await host.reconcile('who', what, '--json');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as WhoReport;
}

const kinds = ({ processes }: WhoReport) =>
  processes.map(({ pid, matches }: WhoProcess) => [pid, matches.map(({ kind }) => kind).join()] as const);

it('says that nobody runs a service', async () => {
  const { code, stdout } = await host.reconcile('who', 'web');
  expect(stdout).toBe('web: nobody runs it; builtin has it ABSENT.\n');
  expect(code).toBe(0);
});

it('takes no instance of a service for a copy of another', async () => {
  host.write('web', { supervisor: 'builtin', command: ['sh', 'web.sh', '--port', '7'], directory: app, instances: 2 });
  await host.reconcile();
  const pids = await host.pids();
  const copy = await byHand('exec setsid sh web.sh --port 7', 'sh', 'web.sh', '--port', '7');
  expect(kinds(await who('web@2'))).toEqual([
    [pids['web@2'], 'own'],
    [copy, 'exact,exact'],
  ]);
  const all = kinds(await who('web'));
  expect(all).toEqual([...Object.values(pids).map((pid) => [pid, 'own']), [copy, 'exact,exact']]);
});

it('tells its own process from a copy that was started by hand and from innocent ones', async () => {
  await host.reconcile();
  const { web = 0 } = await host.pids();
  const nohup = await byHand('setsid nohup sh web.sh --port 7', 'sh', 'web.sh', '--port', '7');
  const orphan = await byHand('exec setsid sh ./web.sh --port 7', 'sh', './web.sh', '--port', '7');
  mkdirSync(join(app, 'other'));
  copyFileSync(join(app, 'web.sh'), join(app, 'other', 'web.sh'));
  const elsewhere = await byHand('cd other && setsid sh web.sh --port 7', 'sh', 'web.sh', '--port', '7');
  const options = await byHand('setsid sh web.sh --port 8', 'sh', 'web.sh', '--port', '8');
  const tail = await byHand('setsid tail -f web.sh', 'tail', '-f', 'web.sh');

  const report = await who('web');
  const found = kinds(report);
  expect(found[0]).toEqual([web, 'own']);
  expect(new Map(found)).toEqual(
    new Map([
      [web, 'own'],
      [nohup, 'exact'],
      [orphan, 'exact'],
      [elsewhere, 'likely'],
    ]),
  );
  expect(found.map(([pid]) => pid)).not.toContain(options);
  expect(found.map(([pid]) => pid)).not.toContain(tail);
  const [mine, copy] = report.processes;
  expect(mine?.manager).toMatchObject({ kind: 'builtin', name: `service web of owner ${host.owner}` });
  expect(copy).toMatchObject({ directory: app, command: expect.stringMatching(/^sh \.?\/?web\.sh --port 7$/) });
  expect(copy?.parents.at(-1)?.pid).toBe(1);

  const { stdout } = await host.reconcile('who', 'web');
  expect(stdout).toContain(
    `web: builtin has it RUNNING as pid ${web}; 2 other processes run it too; 1 more looks like it.`,
  );
  expect(stdout).toContain(`pid ${nohup}  runs the command of web, but not under its supervisor`);
  // Looking changes nothing.
  expect((await host.pids()).web).toBe(web);
});

it('tells of a pid which service it is', async () => {
  const pid = await byHand('setsid nohup sh web.sh --port 7', 'sh', 'web.sh', '--port', '7');
  const report = await who(String(pid));
  expect(kinds(report)).toEqual([[pid, 'exact']]);
  expect(report.services).toMatchObject([{ name: 'web', state: 'ABSENT' }]);
  const [child] = listPids().filter((one) => statOf(one)?.ppid === pid);
  if (child !== undefined) expect(kinds(await who(String(child)))).toEqual([[child, '']]);
});

it('tells who holds a port, also where there is no desired state', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  try {
    const report = await who(`:${port}`);
    expect(report.processes).toMatchObject([
      { pid: process.pid, ports: expect.arrayContaining([`tcp 127.0.0.1:${port}`]) },
    ]);
    host.write('web', 'nonsense');
    const { code, stdout, stderr } = await host.reconcile('who', `:${port}`);
    expect(stderr).toContain('No service is known:');
    expect(stdout).toContain(`pid ${process.pid}  is no declared service`);
    expect(code).toBe(0);
  } finally {
    server.close();
  }
});

it('says what it could not find, and what was probably meant', async () => {
  const failed = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await host.reconcile('who', ...args);
    expect([code, stdout]).toEqual([1, '']);
    return stderr;
  };
  expect(await failed('wbe')).toBe("cannot tell who runs 'wbe': there is no such service\n  did you mean 'web'?\n");
  expect(await failed('99999999')).toContain('cannot find 99999999: there is no process 99999999');
  expect(await failed(':1')).toContain('cannot find :1: nobody listens on port 1');
  expect(await failed()).toContain('cannot tell who: nothing is named');
  expect(await failed('web', '--for', '3s')).toContain('cannot use --for without --restarts');
  expect(await failed('web', '--dry-run')).toContain('--dry-run');
});

/** It is named as it would be outside, where its path is another file. */
it.skipIf(!hasSupervisord() || process.getuid?.() !== 0)(
  'takes no supervisord of a container for one of this host',
  async () => {
    const config = join(app, 'supervisord.conf');
    const text = `[supervisord]\nnocleanup=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=${app}/pid\n[program:other]\ncommand=sh web.sh --port 7\ndirectory=${app}\n`;
    writeFileSync(config, text);
    const begin = (...before: readonly string[]) => {
      const [command = '', ...args] = [...before, 'supervisord', '-n', '-c', config];
      const child = spawn(command, args, { stdio: 'ignore', detached: true });
      started.push(child.pid ?? 0);
      return child;
    };
    const program = () => listPids().filter((pid) => commandOf(pid).join(' ') === 'sh web.sh --port 7');
    const conflicts = async () => {
      const { stdout } = await host.reconcile('--dry-run', '--json');
      const { notices } = JSON.parse(stdout) as { readonly notices: readonly { readonly kind: string }[] };
      return notices.filter(({ kind }) => kind === 'conflict');
    };
    const stopped = async (child: ChildProcess, signal: NodeJS.Signals) => {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      await until(() => program().length === 0);
    };
    const inside = begin('unshare', '--pid', '--fork', '--kill-child', '--mount-proc');
    await until(() => program().length === 1);
    expect(await conflicts()).toEqual([]);
    // With the first process of a container all of it ends; else a supervisord has to be asked.
    await stopped(inside, 'SIGKILL');
    const outside = begin();
    await until(() => program().length === 1);
    expect(await conflicts()).toMatchObject([{ service: 'web', where: expect.stringContaining(config) }]);
    await stopped(outside, 'SIGTERM');
  },
);
