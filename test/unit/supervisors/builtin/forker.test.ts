import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lives, statOf } from '../../../../src/host/procfs.ts';
import { Forker } from '../../../../src/supervisors/builtin/forker.ts';
import { type Launch, launch } from '../../../../src/supervisors/builtin/launch.ts';
import { shimArguments } from '../../../../src/supervisors/builtin/shim.ts';
import { until } from '../../../rig/host.ts';

let folder: string;
let forker: Forker;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forker-'));
  execFileSync('mkfifo', [join(folder, 'alive')]);
  forker = new Forker();
  await until(() => forker.isReady);
});

afterEach(() => {
  forker.close();
  // What was launched may be writing there still.
  rmSync(folder, { recursive: true, maxRetries: 9, retryDelay: 20 });
});

function wanted(command: readonly string[], more: Partial<Launch> = {}): Launch {
  const environment = { KEY: 'a value' };
  const options = { umask: '022', openFiles: undefined, oomScore: '', gated: false, environment, command };
  const logs = { stdout: join(folder, 'out'), stderr: join(folder, 'err'), maxSize: 1e6, keep: 1, written: true };
  const shim = shimArguments(folder, options);
  return { folder, logs, defaultLogs: folder, directory: '/usr', environment, gated: false, shim, ...more };
}

it('launches what it is asked for, each in a session of its own', async () => {
  const pid = await forker.launch(wanted(['sh', '-c', 'echo $KEY in $(pwd); exec sleep 1000']));
  expect(statOf(pid)).toMatchObject({ pgrp: pid });
  await until(() => readFileSync(join(folder, 'out'), 'utf8') === 'a value in /usr\n');
  process.kill(-pid, 'SIGKILL');
});

it('tells what went wrong, and whether that was the spawn', async () => {
  await expect(forker.launch(wanted(['true'], { directory: join(folder, 'none') }))).rejects.toMatchObject({
    code: 'ENOENT',
    spawning: true,
  });
  const logs = { ...wanted([]).logs, stdout: folder };
  await expect(forker.launch(wanted(['true'], { logs }))).rejects.toMatchObject({
    message: expect.stringMatching(/^cannot write log .*: it is a directory$/),
    spawning: false,
  });
  expect(await forker.launch(wanted(['true']))).toBeGreaterThan(0);
});

it('leaves what it launched alone when it is closed', async () => {
  const pid = await forker.launch(wanted(['sleep', '1000']));
  const shim = statOf(pid);
  forker.close();
  await until(() => statOf(shim?.ppid ?? 0)?.pid !== shim?.ppid || statOf(pid)?.ppid !== shim?.ppid);
  expect(shim !== undefined && lives(shim)).toBe(true);
  process.kill(-pid, 'SIGKILL');
});

it('touches nothing before it holds the FIFO, and is wanted still', () => {
  for (const file of ['pid', 'exit', 'out']) writeFileSync(join(folder, file), file);
  const asked = wanted(['true']);
  const notWanted = () => {
    throw new Error('not wanted');
  };
  expect(() => launch({ ...asked, logs: { ...asked.logs, maxSize: 1 } }, notWanted)).toThrow('not wanted');
  for (const file of ['pid', 'exit', 'out']) expect(readFileSync(join(folder, file), 'utf8')).toBe(file);
  expect(readdirSync(folder).toSorted()).toEqual(['alive', 'exit', 'out', 'pid']);
});

it('launches nothing for one that was killed, and ends', async () => {
  const program = new URL('../../../../src/supervisors/builtin/forker.ts', import.meta.url).href;
  const count = join(folder, 'count');
  const asked = JSON.stringify(wanted(['sh', '-c', `echo one >>${count}`]));
  const code = `const { Forker } = await import(${JSON.stringify(program)});
    const forker = new Forker();
    while (!forker.isReady) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let i = 0; i < 100; i += 1) forker.launch(${asked}).catch(() => {});
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'ignore' });
  await once(child, 'exit');
  const mine = () =>
    execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.endsWith(` ${child.pid}`));
  await until(() => mine().length === 0);
  const launched = readFileSync(count, 'utf8').length / 4;
  expect(launched).toBeLessThan(100);
  await sleep(100); // nothing may be launched any more, but what was on its way
  expect(readFileSync(count, 'utf8').length / 4).toBeLessThanOrEqual(launched + 1);
});
