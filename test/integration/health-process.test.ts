/** What probes know is known of one process: a new one has its grace, and counts of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Monitor } from '../../src/health/health.ts';
import { createMonitor } from '../../src/health/monitor.ts';
import { Probed } from '../../src/supervisors/shared/probed.ts';
import { type Settings, settingsOf } from '../../src/supervisors/shared/settings.ts';
import { BuiltinRig } from '../rig/builtin.ts';

const GRACE = 1200;
const never = { name: 'never', file: { path: '/nowhere' }, kind: 'liveness', failures: 1 } as const;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

/** Until the one probe fails, in ms. */
async function untilFailing(monitor: Monitor, id: string): Promise<number> {
  const began = performance.now();
  await until(() => monitor.probes(id)[0]?.verdict.kind === 'failing');
  return performance.now() - began;
}

it('under builtin: after a crash anew, and not for one that a new daemon finds', async () => {
  await using rig = new BuiltinRig();
  const service = rig.service('web', {
    command: ['sleep', '1000000'],
    start: { ready: '0s', grace: `${GRACE}ms` },
    health: [{ ...never, every: '100ms' }],
  });
  const builtin = await rig.supervisor();
  expect(await rig.step(builtin, 'create', service)).toMatchObject({ kind: 'done' });
  const [monitor] = rig.monitors as [Monitor];
  expect(await untilFailing(monitor, 'web')).toBeGreaterThan(GRACE / 2);
  const { pid } = await rig.reaches(builtin, 'web', 'running');
  expect(monitor.pidOf('web')).toBe(pid);
  process.kill(pid, 'SIGKILL');
  const next = await rig.reaches(builtin, 'web', 'running', pid);
  expect(await untilFailing(monitor, 'web')).toBeGreaterThan(GRACE / 2);
  expect(monitor.pidOf('web')).toBe(next.pid);
  await builtin[Symbol.asyncDispose]();
  await rig.supervisor();
  expect(await untilFailing(rig.monitors[1] as Monitor, 'web')).toBeLessThan(GRACE / 2);
});

let monitor: Monitor;
let probed: Probed;
const children: ChildProcess[] = [];

beforeEach(() => {
  monitor = createMonitor();
  probed = new Probed(monitor, () => {});
});

afterEach(async () => {
  probed[Symbol.dispose]();
  await monitor[Symbol.asyncDispose]();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function child(): Promise<number> {
  const one = spawn('sleep', ['1000000'], { stdio: 'ignore' });
  children.push(one);
  await once(one, 'spawn');
  return one.pid ?? 0;
}

it('under systemd and supervisord: anew for another pid, and not for the same', async () => {
  const fields = { command: ['sleep'], 'start.grace': GRACE, health: [{ ...never, every: 100 }] };
  const settings: Settings = settingsOf('web', fields, '/tmp');
  const first = await child();
  await probed.probe('web', settings, first);
  expect(await untilFailing(monitor, 'web')).toBeGreaterThan(GRACE / 2);
  await probed.probe('web', settings, first);
  expect(monitor.probes('web')[0]?.verdict.kind).toBe('failing');
  const second = await child();
  await probed.probe('web', settings, second);
  expect(monitor.probes('web')[0]?.verdict.kind).toBe('unknown');
  expect(monitor.pidOf('web')).toBe(second);
  expect(await untilFailing(monitor, 'web')).toBeGreaterThan(GRACE / 2);
  // It began long ago: its grace is over.
  await probed.probe('web', settings, first);
  expect(await untilFailing(monitor, 'web')).toBeLessThan(GRACE / 2);
});
