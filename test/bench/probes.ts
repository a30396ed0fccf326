/**
 * The daemon at health probes: 2,000 of them once a second, half TCP, half HTTP on kept connections, against servers of
 * another process, which note when each one comes. SECONDS=60 makes it shorter.
 *   m  its share of a core, drift, lateness, and memory from the first minute to the last
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBench, ended, ours, serviceYaml, usage } from './rig.ts';

const SERVICES = 20;
const EACH = 100;
const PERIOD = 1000;
const SECONDS = Number(process.env.SECONDS ?? 600);

/** What the servers noted, in ms; `drift` is the worst probe's, as a share of the period. */
export interface Noted {
  readonly probes: number;
  readonly tries: number;
  readonly missed: number;
  readonly drift: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  readonly connections: number;
}

export async function m(say: (line: string) => void): Promise<void> {
  await using bench = await createBench();
  const servers = fork(new URL('probe-servers.ts', import.meta.url), [String((SERVICES * EACH) / 2)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  bench.onDispose(() => void servers.kill());
  const [ports] = (await once(servers, 'message')) as [{ readonly tcp: number[]; readonly http: number[] }];
  const us = ours(bench);
  for (let i = 0; i < SERVICES; i += 1) {
    const part = (all: readonly number[]) => all.slice((i * EACH) / 2, ((i + 1) * EACH) / 2);
    const probes = [
      ...part(ports.tcp).map((port) => `{ name: t${port}, tcp: { address: "127.0.0.1:${port}" }, every: 1s }`),
      ...part(ports.http).map((port) => `{ name: h${port}, http: { url: "http://127.0.0.1:${port}/" }, every: 1s }`),
    ];
    const health = `health:\n${probes.map((probe) => `  - ${probe}\n`).join('')}`;
    writeFileSync(join(us.desired, 'services', `s${i}.yaml`), serviceYaml(bench, `s${i}`) + health);
  }
  const ready = bench.startedAll(SERVICES);
  const daemon = await us.daemon();
  await ready;
  await sleep(5000);
  const pid = daemon.pid ?? 0;
  servers.send('begin');
  const before = usage(pid);
  const began = performance.now();
  const memory: number[] = [];
  for (let second = 0; second < SECONDS; second += 1) {
    await sleep(Math.max(0, began + (second + 1) * 1000 - performance.now()));
    memory.push(usage(pid).rss);
  }
  const share = (usage(pid).cpu - before.cpu) / (performance.now() - began);
  servers.send('end');
  const [noted] = (await once(servers, 'message')) as [Noted];
  daemon.kill('SIGTERM');
  await ended(daemon);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const part = Math.min(60, Math.floor(memory.length / 3));
  const [first, last] = [mean(memory.slice(0, part)), mean(memory.slice(-part))];
  say(
    `m  ${noted.probes} probes at 1 s, ${SECONDS} s: ${(share * 100).toFixed(1)} % of a core (goal: 40 %), drift ${((noted.drift / PERIOD) * 100).toFixed(3)} % of the period (goal: 5 %)`,
  );
  say(
    `m  late p50 ${noted.p50.toFixed(1)} ms, p99 ${noted.p99.toFixed(1)} ms (goal: 100 ms), worst ${noted.worst.toFixed(0)} ms; ${noted.tries} tries, ${noted.missed} passed over, ${noted.connections} HTTP connections`,
  );
  say(`m  memory: first ${part} s ${first.toFixed(1)} MB, last ${part} s ${last.toFixed(1)} MB (goal: flat)`);
}
