import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { guarded } from '../../src/guard.ts';
import { listPids, statOf, variableOf } from '../../src/host/procfs.ts';
import { ownTime, until } from '../rig/host.ts';
import { hasSupervisord } from '../rig/supervisord/needs.ts';

/** A supervisord with these programs, in the background; all that it has started is gone when the test ends. */
async function supervisord(programs: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'guard-'));
  const path = (name: string) => join(folder, name);
  const sections = Object.entries(programs).map(([name, command]) => `[program:${name}]\ncommand=${command}\n`);
  writeFileSync(
    path('s.conf'),
    `[supervisord]
nocleanup=true
logfile=${path('s.log')}
pidfile=${path('s.pid')}
[unix_http_server]
file=${path('s.sock')}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
${sections.join('')}`,
  );
  const left = () =>
    listPids().filter((pid) => variableOf(pid, 'SUPERVISOR_SERVER_URL') === `unix://${path('s.sock')}`);
  onTestFinished(() => {
    kill();
    for (const pid of left()) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const pid = () => Number(readFileSync(path('s.pid'), 'utf8'));
  const kill = () => {
    try {
      process.kill(pid(), 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  expect(spawnSync('supervisord', ['-c', path('s.conf')]).status).toBe(0);
  // It says so before it has written down who it is.
  await until(() => existsSync(path('s.pid')) && pid() > 0);
  const count = Object.keys(programs).length;
  for (let i = 0; i < 100 && left().length < count; i += 1) await sleep(50);
  expect(left().length).toBeGreaterThanOrEqual(count);
  const guard = (...command: string[]) => {
    const [program = '', ...args] = guarded(path('s.sock'), command);
    return spawnSync(program, args, { encoding: 'utf8', cwd: folder });
  };
  const crash = async () => {
    const main = pid();
    process.kill(main, 'SIGKILL');
    while (statOf(main) !== undefined) await sleep(10);
  };
  return { left, crash, guard };
}

describe.runIf(hasSupervisord())('the guard before a supervisord', () => {
  it('runs the command where there is nothing, with its arguments and exit code', async () => {
    const { crash, guard, left } = await supervisord({});
    await crash();
    expect(left()).toEqual([]);
    const ran = guard('/bin/sh', '-c', 'echo "$0|$1"; exit 7', 'a b', "$x '");
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([7, "a b|$x '\n", '']);
  });

  it('ends first what a killed one has left behind, with all that this has started', async () => {
    const { crash, guard, left } = await supervisord({
      plain: `/bin/sleep ${ownTime()}`,
      parent: '/bin/sh -c "sleep 1000 & sleep 1000 & wait"',
    });
    await crash();
    const before = left();
    expect(before).toHaveLength(4);
    const ran = guard('/bin/echo', 'started');
    expect([ran.status, ran.stdout]).toEqual([0, 'started\n']);
    expect(ran.stderr).toContain('ending what a former supervisord has left behind');
    for (const pid of before) expect(ran.stderr).toContain(String(pid));
    expect(left()).toEqual([]);
  });

  it('kills what does not end within ten seconds', async () => {
    const { crash, guard, left } = await supervisord({
      deaf: `/bin/sh -c "trap '' TERM; while :; do sleep 1; done"`,
    });
    await crash();
    const begun = performance.now();
    expect(guard('/bin/echo', 'started').stdout).toBe('started\n');
    expect(performance.now() - begun).toBeGreaterThan(9000);
    expect(left()).toEqual([]);
  });

  it('touches nothing of one that lives', async () => {
    const { guard, left } = await supervisord({
      plain: `/bin/sleep ${ownTime()}`,
      parent: '/bin/sh -c "sleep 1000 & wait"',
    });
    // Each, and what one of them starts itself.
    await until(() => left().length === 3);
    const before = left();
    const ran = guard('/bin/echo', 'started');
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([0, 'started\n', '']);
    expect(left()).toEqual(before);
  });

  it('ends well by itself, where there is no command', async () => {
    const { crash, guard, left } = await supervisord({ plain: `/bin/sleep ${ownTime()}` });
    await crash();
    expect(guard().status).toBe(0);
    expect(left()).toEqual([]);
  });
});
