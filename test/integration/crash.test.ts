import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createHost, type Host, until } from '../rig/host.ts';

const MOMENTS = { '1': 100, reduced: 30 }[process.env.RECONCILED_LONG ?? ''] ?? 8;
const SERVICES = 12;

const name = (i: number) => `s${i}`;

/** A main process that is unmistakable: each service sleeps its own time. */
const service = (i: number, version: number) => ({
  supervisor: 'builtin',
  command: ['sleep', `${9000 + i}`],
  environment: { VERSION: String(version) },
  start: { ready: '0s', after: i > 0 && i % 4 === 0 ? [name(i - 1)] : [] },
  restart: { limit: { restarts: 1000, within: '10m' }, backoff: { initial: '10ms', max: '50ms' } },
});

test(`kill -9 of the daemon at ${MOMENTS} random moments of applies and crashes: never two copies, nothing lost, nothing restarted that need not`, {
  timeout: 900_000,
}, async () => {
  await using host = await createHost();
  const versions = Array.from({ length: SERVICES }, () => 0);
  for (let i = 0; i < SERVICES; i += 1) host.write(name(i), service(i, 0));
  const doubles: string[] = [];
  const sampler = sample(host, doubles);
  let daemon = await host.daemon();
  await all(host);

  for (let moment = 0; moment < MOMENTS; moment += 1) {
    const before = await host.pids();
    const touched = new Set<string>();
    for (let n = 0; n < 1 + (moment % 4); n += 1) {
      const i = Math.floor(Math.random() * SERVICES);
      touched.add(name(i));
      if (Math.random() < 0.5) {
        versions[i] = (versions[i] ?? 0) + 1;
        host.write(name(i), service(i, versions[i] ?? 0));
      } else kill(before[name(i)]);
    }
    await sleep(Math.random() * 80); // the random moment
    await daemon.stop('SIGKILL');
    // What was begun ends: a signal sent, a shim that had been spawned. From then on nothing changes without a daemon.
    await sleep(150);
    const between = mainsOf(host);
    await sleep(50); // nothing may change
    expect(mainsOf(host)).toEqual(between);
    daemon = await host.daemon();
    const after = await all(host);
    for (const [key, pid] of Object.entries(before))
      if (!touched.has(key)) expect([moment, key, after[key]]).toEqual([moment, key, pid]);
    expect((await host.reconcile('--dry-run')).stdout).toContain('No changes');
    for (const { stamp, command } of host.processes()) expect(stamp, command).not.toBe('');
  }
  sampler.stop();
  expect(doubles).toEqual([]);
  expect(await daemon.stop()).toBe(0);
});

test('kill -9 at random moments while three hundred are started, by a process that is made for that: never two copies', {
  timeout: 300_000,
}, async () => {
  await using host = await createHost();
  const count = 300;
  for (let i = 0; i < count; i += 1) host.write(name(i), { ...service(i, 0), start: { ready: '0s' } });
  const doubles: string[] = [];
  const sampler = sample(host, doubles);
  for (let moment = 0; moment < 4; moment += 1) {
    const before = new Set(mainsOf(host));
    const daemon = await host.daemon();
    await until(() => mainsOf(host).length > before.size, 60);
    await sleep(Math.random() * 300); // the random moment
    await daemon.stop('SIGKILL');
    await sleep(150);
    const between = mainsOf(host);
    expect([...before].filter((main) => !between.includes(main))).toEqual([]);
    await sleep(50); // nothing may change
    expect(mainsOf(host)).toEqual(between);
  }
  const daemon = await host.daemon();
  await all(host, count);
  sampler.stop();
  expect(doubles).toEqual([]);
  expect(mainsOf(host)).toHaveLength(count);
  expect(await daemon.stop()).toBe(0);
});

/** Pids of all services, once each runs as it is declared and the plan is empty. */
async function all(host: Host, count = SERVICES): Promise<Readonly<Record<string, number>>> {
  await until(async () => {
    const status = await host.status();
    return (
      status.length === count &&
      status.every(({ state, definition }) => state === 'RUNNING' && definition === 'current')
    );
  }, 120);
  await until(async () => (await host.reconcile('--dry-run')).code === 0, 120);
  return host.pids();
}

function mainsOf(host: Host): readonly string[] {
  return host
    .processes()
    .filter(({ command }) => command.startsWith('sleep 9'))
    .map(({ pid, command }) => `${pid} ${command}`)
    .toSorted();
}

/** Looks all the time, from beside, whether any service has two main processes. */
function sample(host: Host, doubles: string[]): { stop: () => void } {
  let on = true;
  const look = () => {
    if (!on) return;
    const seen = new Map<string, string>();
    for (const { pid, command } of host.processes()) {
      if (!command.startsWith('sleep 9')) continue;
      const other = seen.get(command);
      if (other !== undefined && alive(Number(other)) && alive(pid)) doubles.push(`${command}: ${other} and ${pid}`);
      seen.set(command, String(pid));
    }
    setTimeout(look, 5);
  };
  look();
  return {
    stop: () => {
      on = false;
    },
  };
}

function alive(pid: number): boolean {
  return readdirSync('/proc').includes(String(pid));
}

/** The one picked may have been killed a moment ago. */
function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
