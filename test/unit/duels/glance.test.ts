import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { glance } from '../../../src/duels/glance.ts';
import { commandOf, listPids } from '../../../src/host/procfs.ts';
import { until } from '../../rig/host.ts';

let folder: string;
const started: number[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-glance-'));
});
afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Nobody's child, in a session of its own. */
async function start(...argv: readonly string[]): Promise<number> {
  // Neither what starts it, nor itself before it is what it is to be; an interpreter may stand before it.
  const isIt = (words: readonly string[]) =>
    words[0] !== 'setsid' && words.length <= argv.length + 1 && words.slice(-argv.length).join(' ') === argv.join(' ');
  const found = () => listPids().find((pid) => isIt(commandOf(pid)));
  const shell = spawn('/bin/sh', ['-c', 'setsid "$@" &', 'sh', ...argv], { stdio: 'ignore' });
  // Until then it is ours.
  await once(shell, 'exit');
  await until(() => found() !== undefined);
  const pid = found() ?? 0;
  started.push(pid);
  return pid;
}

it('sees who is at a service for as long as he is', async () => {
  const systemctl = join(folder, 'systemctl');
  writeFileSync(systemctl, '#!/bin/sh\nwhile :; do sleep 100; done\n', { mode: 0o755 });
  const of = (pid: number) => glance().filter(({ job }) => job.process.pid === pid);
  expect(of(0)).toEqual([]);
  const pid = await start(systemctl, 'restart', 'web.service');
  await until(() => of(pid).length === 1);
  expect(of(pid)[0]?.job.deeds).toEqual([
    { verb: 'restart', target: { kind: 'units', names: ['web.service'] }, inText: false },
  ]);
  expect(of(pid)).toHaveLength(1);
  process.kill(-pid, 'SIGKILL');
  await until(() => of(pid).length === 0);
});

it('takes no shim of the embedded supervisor for one, whatever its text says', async () => {
  const text = 'while :; do sleep 100; done; kill 1';
  const pid = await start('/bin/sh', '-c', text, 'reconciled-shim', folder);
  const other = await start('/bin/sh', '-c', text, 'somebody', folder);
  const seen = glance().map(({ job }) => job.process.pid);
  expect([seen.includes(pid), seen.includes(other)]).toEqual([false, true]);
});
