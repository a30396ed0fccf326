import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Holder, readHolder, takeLock } from '../../../src/host/lock.ts';

let folder: string;
const holder: Holder = { pid: process.pid, role: 'daemon', desiredState: '/d', since: '2026-01-01T00:00:00.000Z' };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one holder at a time, named in the file, and free again when it lets go', async () => {
  const path = join(folder, 'lock');
  const first = await takeLock(path, holder, 0);
  expect(first).toBeDefined();
  expect(readHolder(path)).toEqual(holder);
  expect(await takeLock(path, { ...holder, pid: 1 }, 0)).toBeUndefined();
  expect(readHolder(path)).toEqual(holder);
  first?.[Symbol.dispose]();
  const second = await takeLock(path, holder, 0);
  expect(second).toBeDefined();
  second?.[Symbol.dispose]();
});

test('the kernel frees it when its holder is killed, though the holder has children that live on', async () => {
  const path = join(folder, 'lock');
  const code = `
    import { spawn } from 'node:child_process';
    import { takeLock } from ${JSON.stringify(new URL('../../../src/host/lock.ts', import.meta.url).href)};
    const lock = await takeLock(${JSON.stringify(path)}, ${JSON.stringify(holder)}, 0);
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    console.log(child.pid);
    setInterval(() => lock, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(other.stdout, 'data')) as [Buffer];
  const sleeper = Number(text.toString());
  try {
    expect(await takeLock(path, holder, 0)).toBeUndefined();
    other.kill('SIGKILL');
    await once(other, 'exit');
    const lock = await takeLock(path, holder, 0);
    expect(lock).toBeDefined();
    expect(() => process.kill(sleeper, 0)).not.toThrow();
    lock?.[Symbol.dispose]();
  } finally {
    other.kill('SIGKILL');
    process.kill(sleeper, 'SIGKILL');
  }
});

test('waiting gets it as soon as it is free', async () => {
  const path = join(folder, 'lock');
  const first = await takeLock(path, holder, 0);
  const second = takeLock(path, { ...holder, pid: 2 }, 30_000);
  first?.[Symbol.dispose]();
  const lock = await second;
  expect(lock).toBeDefined();
  lock?.[Symbol.dispose]();
});
