import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { usesOf } from '../../../src/host/use.ts';
import { until } from '../../rig/host.ts';

it('counts a process with all that descends from it, and what is asked for itself apart', async () => {
  const parent = spawn('sh', ['-c', 'sleep 600 & sleep 601 & wait'], { stdio: 'ignore' });
  const pid = parent.pid ?? 0;
  try {
    const whole = await until(() => {
      const use = usesOf([pid]).get(pid);
      return use?.processes === 3 ? use : undefined;
    });
    const [child = 0] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    const apart = usesOf([pid, child]);
    expect(apart.get(child)?.processes).toBe(1);
    expect(apart.get(pid)?.processes).toBe(2);
    expect(whole?.memory).toBeGreaterThan(apart.get(child)?.memory ?? Number.POSITIVE_INFINITY);
    // As the kernel tells it in another place.
    const rss = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1]) * 1024;
    expect(Math.abs((apart.get(child)?.memory ?? 0) - rss)).toBeLessThan(rss);
    for (const each of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' '))
      process.kill(Number(each), 'SIGKILL');
  } finally {
    parent.kill('SIGKILL');
  }
  if (parent.exitCode === null && parent.signalCode === null) await once(parent, 'exit');
  expect(usesOf([pid]).get(pid)?.processes ?? 0).toBe(0);
  expect(usesOf([])).toEqual(new Map());
});

it('knows how much CPU time it has used', () => {
  const before = usesOf([process.pid]).get(process.pid)?.cpu ?? 0;
  const end = process.cpuUsage().user + 100_000;
  while (process.cpuUsage().user < end);
  expect((usesOf([process.pid]).get(process.pid)?.cpu ?? 0) - before).toBeGreaterThanOrEqual(80);
});
