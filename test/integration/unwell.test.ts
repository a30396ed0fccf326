import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServiceStatus } from '../../src/model.ts';
import { createHost, type DaemonProcess, type Host, until, variableOf } from '../rig/host.ts';

let host: Host;
let daemon: DaemonProcess;
beforeEach(async () => {
  host = await createHost();
  put('ok');
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

const put = (file: string) => writeFileSync(join(host.folder, file), '');
const away = (file: string) => rmSync(join(host.folder, file), { force: true });
/** A probe that passes while a file of the host's is there. */
const probe = (onFailure: string, more: object = {}) => ({
  name: 'api',
  exec: { command: ['test', '-e', join(host.folder, 'ok')] },
  every: '100ms',
  failures: 2,
  kind: 'liveness',
  onFailure,
  ...more,
});
const web = (onFailure: string, more: object = {}, more2: object = {}) => ({
  supervisor: 'builtin',
  command: ['sleep', '600'],
  start: { ready: '0s' },
  dwell: '100ms',
  health: [probe(onFailure, more2)],
  ...more,
});
const one = async (): Promise<Partial<ServiceStatus>> => (await host.status()).find(({ name }) => name === 'web') ?? {};
const begin = async () => {
  daemon = await host.daemon();
  await until(async () => (await one()).level === 'HEALTHY');
  return (await one()).pid ?? 0;
};
const explained = async () => (await host.reconcile('explain', 'web')).stdout.replace(/\s+/g, ' ');

describe('a failing probe', () => {
  test('that says restart is told to have had it restarted where that has healed it before the step was over', async () => {
    const ok = join(host.folder, 'ok');
    // Its new process mends it, and the step waits for that.
    const command = ['/bin/sh', '-c', `touch ${ok}; exec sleep 600`];
    host.write('web', web('restart', { command }, { kind: 'both' }));
    await begin();
    away('ok');
    await daemon.saw(/web: restarted: its probe api fails: exit code 1/);
    await until(async () => (await one()).level === 'HEALTHY');
    expect(daemon.output().match(/web: restarted: its probe/g)).toHaveLength(1);
  });

  test('that says restart has it restarted, not beyond its budget, and says so', async () => {
    host.write(
      'web',
      web('restart', { restart: { limit: { restarts: 2, within: '10m' }, backoff: { initial: '0s', max: '0s' } } }),
    );
    const pid = await begin();
    away('ok');
    await daemon.saw(/web: restarted: its probe api fails: exit code 1/);
    await daemon.saw(
      /web: not restarted, until \S+: restarted 2 times within 10m, last: a probe fails; its probe api fails/,
    );
    const now = await one();
    expect(now).toMatchObject({ state: 'RUNNING', level: 'CRITICAL' });
    expect(now.pid).not.toBe(pid);
    await sleep(1500);
    expect((await one()).pid).toBe(now.pid);
    expect(daemon.output().match(/web: restarted: its probe/g)).toHaveLength(2);
    expect(daemon.output().match(/web: not restarted/g)).toHaveLength(1);
    expect(await explained()).toMatch(/restart pid \d+; its probe api fails/);
  });

  test('that says stop has it stopped until a person starts it, through a restart of the daemon', async () => {
    host.write('web', web('stop'));
    await begin();
    away('ok');
    await until(async () => (await one()).state === 'STOPPED');
    const { stdout, code } = await host.reconcile('--dry-run');
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/stopped at \S+ since its probe api failed: exit code 1/);
    expect(code).toBe(0);
    await daemon.stop();
    daemon = await host.daemon();
    await host.reconcile();
    expect((await one()).state).toBe('STOPPED');
    put('ok');
    expect((await host.reconcile('start', 'web')).code).toBe(0);
    await until(async () => (await one()).level === 'HEALTHY');
    expect((await host.reconcile('--dry-run')).stdout).toMatch(/No changes/);
  });

  test('with mode: observe is told alone, once', async () => {
    host.write('web', web('restart', { mode: 'enforce' }));
    const pid = await begin();
    host.write('web', web('restart', { mode: 'observe' }));
    await host.reconcile();
    away('ok');
    await daemon.saw(/web: would have been restarted: its probe api fails: exit code 1/);
    await sleep(1000);
    expect((await one()).pid).toBe(pid);
    expect(daemon.output().match(/would have been/g)).toHaveLength(1);
    expect(await explained()).toMatch(/would have been restarted/);
  });

  test('is held against nobody while a dependency fails as well, however soon each is tried', async () => {
    put('dependency');
    const dependency = {
      name: 'ng6',
      exec: { command: ['test', '-e', join(host.folder, 'dependency')] },
      about: 'dependency',
      every: '2s',
      failures: 1,
    };
    host.write('web', web('restart', { health: [dependency, probe('restart', { failures: 1 })] }));
    const pid = await begin();
    away('dependency');
    away('ok');
    await until(async () => (await one()).waitingFor?.name === 'ng6');
    await sleep(500);
    expect((await one()).pid).toBe(pid);
    expect(daemon.output()).not.toMatch(/restarted/);
  });

  test('that says rollback puts back the last good commit at which it was otherwise', async () => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', host.desired, '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
        env: { HOME: host.folder, GIT_CONFIG_NOSYSTEM: '1', PATH: process.env.PATH ?? '' },
        encoding: 'utf8',
      });
    const commit = (message: string) => {
      git('add', '--all');
      git('commit', '--quiet', '--message', message);
    };
    const proven = () =>
      until(() => {
        const book = JSON.parse(readFileSync(join(host.runtime, 'state/decisions/verification.json'), 'utf8'));
        return book.history.at(-1)?.commit === git('rev-parse', 'HEAD').trim();
      });
    const versionOf = (pid: number) => variableOf(pid, 'VERSION');
    git('init', '--quiet', '--initial-branch=main');
    host.write('policy.yaml', { owner: host.owner, verify: { soak: '300ms' } });
    host.write('web', web('rollback', { environment: { VERSION: '1' } }));
    commit('One');
    await begin();
    await proven();
    host.write('web', web('rollback', { environment: { VERSION: '2' } }));
    commit('Two');
    await host.reconcile();
    await proven();
    expect(versionOf((await one()).pid ?? 0)).toBe('2');
    away('ok');
    await until(async () => {
      const { pid } = await one();
      return typeof pid === 'number' && versionOf(pid) === '1';
    });
    await daemon.saw(/web: rolled back: its probe api fails/);
    // It does not help, and is not tried again and again.
    await daemon.saw(/web: not rolled back: it is not as Git says already/);
    await sleep(500);
    expect(versionOf((await one()).pid ?? 0)).toBe('1');
  });
});
