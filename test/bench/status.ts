/**
 * Measures `reconcile status` of 1,000 services as whole processes, with a daemon and without, each way in turns so that a
 * slow moment of the machine hits all: `npm run bench -- q`. Beside it the tool that is there for each supervisor.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemdHost } from '../rig/systemd/host.ts';
import { whyNoSystemdHost } from '../rig/systemd/needs.ts';
import { hasSupervisord } from './peers.ts';
import { createBench, ended, median, type Ours, ours, quantile, RECONCILE, usage } from './rig.ts';
import { declared, start, useInstance } from './supervisord.ts';
import { DESIRED, startDaemon, withUnits } from './systemd.ts';

type Say = (line: string) => void;

const COUNT = 1000;
const ROUNDS = 9;
const names = Array.from({ length: COUNT }, (_, i) => `s${i}`);
const WAYS = [
  ['status'],
  ['status', '--json'],
  ['status', '--wide'],
  ['status', 's7'],
  ['status', 'dolphin:s1*'],
] as const;
const ms = (value: number) => `${value.toFixed(0)} ms`;

export async function q(say: Say): Promise<void> {
  await underBuiltin(say);
  if (hasSupervisord()) await underSupervisord(say);
  else say('q  under supervisord: skipped, not installed');
  const why = whyNoSystemdHost();
  if (why === undefined) await underSystemd(say);
  else say(`q  under systemd: skipped, ${why}`);
}

/** Wall times (ms) of each way, and of what is beside them. */
async function rounds(one: (args: readonly string[]) => Promise<number>, beside?: () => Promise<number>) {
  const took = new Map<string, number[]>(WAYS.map((way) => [way.join(' '), []]));
  const theirs: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    for (const way of WAYS) took.get(way.join(' '))?.push(await one(way));
    if (beside !== undefined) theirs.push(await beside());
  }
  return { took, theirs };
}

function tell(say: Say, what: string, { took, theirs }: Awaited<ReturnType<typeof rounds>>, tool: string): void {
  const all = [...took].map(([way, times]) => `${way.slice('status'.length).trim() || 'all'} ${ms(median(times))}`);
  const whole = took.get('status') ?? [];
  const peer =
    theirs.length === 0 ? '' : `  ${tool} ${ms(median(theirs))}, ratio ${(median(whole) / median(theirs)).toFixed(2)}x`;
  say(
    `q  status, ${COUNT}, ${what}  ${all.join('  ')}  (all: least ${ms(Math.min(...whole))}, p90 ${ms(quantile(whole, 0.9))})${peer}  (goal: at most 200 ms)`,
  );
}

function run(us: Ours): (args: readonly string[]) => Promise<number> {
  return async (args) => {
    const { code, ms: took, stdout } = us.run(...args);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout.slice(0, 2000)}`);
    return took;
  };
}

async function bothWays(say: Say, what: string, us: Ours, tool: string, beside?: () => Promise<number>): Promise<void> {
  tell(say, `${what}, no daemon      `, await rounds(run(us), beside), tool);
  const daemon = await us.daemon();
  await sleep(5000);
  const before = usage(daemon.pid ?? 0).cpu;
  tell(say, `${what}, daemon running`, await rounds(run(us), beside), tool);
  const asked = (usage(daemon.pid ?? 0).cpu - before) / (ROUNDS * WAYS.length);
  say(
    `q  ${what}: one status costs the daemon ${ms(asked)} of CPU time, so --watch ${((asked * 100) / 1000).toFixed(1)} % of a core`,
  );
  daemon.kill('SIGTERM');
  await ended(daemon);
}

async function underBuiltin(say: Say): Promise<void> {
  await using bench = await createBench();
  const us = ours(bench);
  for (const name of names) us.write(name);
  const ready = bench.startedAll(COUNT);
  const first = us.run();
  await ready;
  if (first.code !== 0) throw new Error(`apply ended with ${first.code}: ${first.stdout}`);
  await bothWays(say, 'builtin', us, '');
}

async function underSupervisord(say: Say): Promise<void> {
  await using bench = await createBench();
  const instance = await start(bench, 'super', COUNT);
  const us = ours(bench);
  useInstance(us, instance);
  for (const name of names) declared(bench, us, name);
  const first = us.run();
  if (first.code !== 0) throw new Error(`apply ended with ${first.code}: ${first.stdout}`);
  await bothWays(say, 'supervisord', us, 'supervisorctl status', async () => instance.ctl('status'));
}

/** Wall time (ms) of a command, measured by a shell in the host: to get there takes longer than some commands do. */
async function within(host: SystemdHost, command: string): Promise<number> {
  const { code, stderr } = await host.exec(['bash', '-c', `TIMEFORMAT=%3R; time ${command}`]);
  const took = Number(stderr.trim().split('\n').at(-1)) * 1000;
  if (code !== 0 || Number.isNaN(took)) throw new Error(`${command}: ended with ${code}: ${stderr.slice(-2000)}`);
  return took;
}

async function underSystemd(say: Say): Promise<void> {
  await withUnits(COUNT, async (host, all) => {
    const one = (args: readonly string[]) =>
      within(host, `${RECONCILE} ${args.map((arg) => `'${arg}'`).join(' ')} --desired-state ${DESIRED} >/dev/null`);
    const units = all.map((name) => `${name}.service`).join(' ');
    const beside = () => within(host, `systemctl show -p ActiveState,MainPID,NRestarts ${units} >/dev/null`);
    tell(say, 'systemd, no daemon      ', await rounds(one, beside), 'systemctl show');
    const daemon = await startDaemon(host);
    await sleep(8000);
    tell(say, 'systemd, daemon running', await rounds(one, beside), 'systemctl show');
    daemon.kill('SIGTERM');
  });
}
