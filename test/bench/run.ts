/**
 * Measures whole processes beside peers in one run and prints ratios: `npm run bench [-- a b c d e f g h i j k l m n o p q]`.
 *   a  killed process -> new process: ours, supervisord, pm2
 *   b  file saved -> changed process running, 200 services
 *   c  dry run with nothing to do at 10, 200, 1,000 services: ours, `supervisorctl status`
 *   d  first converge of 1,000 services: ours, a bare spawn loop in Node
 *   e  the idle daemon with 200 services, 60 s
 *   f, g, h, i  under systemd: see systemd.ts
 *   j, k  under supervisord: see supervisord.ts
 *   l  pushed -> running, from Git: see git.ts
 *   m  the daemon at 2,000 health probes: see probes.ts
 *   n, o  crash loops: see loops.ts
 *   p  `logs -f` of 50 services at 1,000 lines/s each: see logs.ts
 *   q  status of 1,000 services: see status.ts
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whyNoSystemdHost } from '../rig/systemd/needs.ts';
import * as git from './git.ts';
import * as logs from './logs.ts';
import * as loops from './loops.ts';
import { hasSupervisord, installPm2, pm2, supervisord } from './peers.ts';
import * as probes from './probes.ts';
import { type Bench, createBench, ended, median, ours, quantile, timed, usage } from './rig.ts';
import * as status from './status.ts';
import * as programs from './supervisord.ts';
import * as systemd from './systemd.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const ratio = (value: number) => `${value.toFixed(2)}x`;
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Kills the same service again and again, each time after stable uptime; ms from the kill to the new one's first line. */
async function crashes(bench: Bench, all: readonly string[], rounds: number, settle: number): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const name = all[i % all.length] ?? '';
    const next = bench.started(name);
    const at = performance.now();
    process.kill(bench.pid(name), 'SIGKILL');
    took.push((await next).at - at);
    await sleep(settle);
  }
  return took;
}

async function a(): Promise<void> {
  await using bench = await createBench();
  // Each service is killed once: the first restart after stable uptime is what all three are asked for.
  const all = names(60);
  const us = ours(bench);
  for (const name of all) us.write(name);
  const ready = bench.startedAll(all.length);
  const daemon = await us.daemon();
  await ready;
  await sleep(12_000); // stable uptime
  const mine = await crashes(bench, all, 60, 30);
  daemon.kill('SIGTERM');
  await ended(daemon);
  say(
    `a  crash -> running     reconciled  p50 ${ms(median(mine))}  p99 ${ms(quantile(mine, 0.99))}  (60 services, each killed once)`,
  );
  const program = installPm2(bench);
  if (program === undefined) say('a  pm2: skipped, it could not be installed');
  else {
    const peer = await pm2(bench, program, names(10));
    await sleep(3000);
    const theirs = await crashes(bench, names(10), 40, 1200);
    await peer.stop();
    say(
      `a  crash -> running     pm2         p50 ${ms(median(theirs))}  p99 ${ms(quantile(theirs, 0.99))}  reconciled/pm2 p50 ${ratio(median(mine) / median(theirs))}  (goal: at most 1.2x)`,
    );
  }
  if (!hasSupervisord()) say('a  supervisord: skipped, not installed');
  else {
    const peer = await supervisord(bench, names(10));
    await sleep(2000);
    const theirs = await crashes(bench, names(10), 20, 300);
    await peer.stop();
    say(
      `a  crash -> running     supervisord p50 ${ms(median(theirs))}  p99 ${ms(quantile(theirs, 0.99))}  supervisord/reconciled p50 ${ratio(median(theirs) / median(mine))}  (goal: at least 80x)`,
    );
  }
}

async function b(): Promise<void> {
  await using bench = await createBench();
  const all = names(200);
  const us = ours(bench);
  for (const name of all) us.write(name);
  const ready = bench.startedAll(all.length);
  const daemon = await us.daemon();
  await ready;
  await sleep(2000);
  const took: number[] = [];
  for (let i = 0; i < 30; i += 1) {
    const name = `s${i * 3}`;
    const next = bench.started(name);
    const at = performance.now();
    us.write(name, `, ROUND: "${i}"`);
    took.push((await next).at - at);
    // One save, and then another: what comes within half a second is taken for one slow copy, which is waited for.
    await sleep(700);
  }
  daemon.kill('SIGTERM');
  await ended(daemon);
  say(
    `b  saved -> running     p50 ${ms(median(took))}  p90 ${ms(quantile(took, 0.9))}  (200 services; goal: p50 at most 100 ms)`,
  );
}

async function c(): Promise<void> {
  for (const count of [10, 200, 1000]) {
    await using bench = await createBench();
    const us = ours(bench, `ours-${count}`);
    const all = names(count);
    for (const name of all) us.write(name);
    const ready = bench.startedAll(count);
    const first = us.run();
    await ready;
    if (first.code !== 0) throw new Error(`apply ended with ${first.code}: ${first.stdout}`);
    const peer = hasSupervisord()
      ? await supervisord(
          bench,
          all.map((name) => `p${name}`),
        )
      : undefined;
    const dryRun = () => {
      const run = us.run('--dry-run');
      if (run.code !== 0) throw new Error(`dry run ended with ${run.code}: ${run.stdout}`);
      return run.ms;
    };
    const mine: number[] = [];
    const uncached: number[] = [];
    const theirs: number[] = [];
    const asked: number[] = [];
    const theirsThen: number[] = [];
    // Interleaved, so that a slower machine is slower for both.
    for (let i = 0; i < 7; i += 1) {
      mine.push(dryRun());
      if (peer !== undefined) theirs.push(timed(...peer.status).ms);
      rmSync(join(bench.folder, `ours-${count}`, 'run/state/cache'), { recursive: true, force: true });
      uncached.push(dryRun());
    }
    const daemon = await us.daemon();
    await sleep(3000);
    for (let i = 0; i < 7; i += 1) {
      asked.push(dryRun());
      if (peer !== undefined) theirsThen.push(timed(...peer.status).ms);
    }
    daemon.kill('SIGTERM');
    await ended(daemon);
    await peer?.stop();
    const beside = (us: readonly number[], them: readonly number[]) =>
      peer === undefined
        ? 'supervisord: skipped'
        : `supervisorctl status ${ms(median(them))}  ratio ${ratio(median(us) / median(them))}`;
    const what = `c  dry run, ${String(count).padStart(4)}`;
    say(`${what}, daemon running  ${ms(median(asked))}  ${beside(asked, theirsThen)}`);
    say(`${what}, no daemon       ${ms(median(mine))}  ${beside(mine, theirs)}  uncached ${ms(median(uncached))}`);
  }
  say('c  goals: below supervisorctl at 10 and 200, at most 0.33x at 1,000 with a daemon; uncached at most 1 s');
}

async function d(): Promise<void> {
  const mine: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    {
      await using bench = await createBench();
      const us = ours(bench);
      for (const name of names(1000)) us.write(name);
      const all = bench.startedAll(1000);
      const start = performance.now();
      const child = spawn(new URL('../../dist/reconcile', import.meta.url).pathname, us.args, { stdio: 'ignore' });
      mine.push((await all) - start);
      await ended(child);
    }
    {
      await using bench = await createBench();
      const all = bench.startedAll(1000);
      const start = performance.now();
      const code = `const {spawn}=require('child_process');for(let i=0;i<1000;i++)spawn(${JSON.stringify(bench.service)},['s'+i],{detached:true,stdio:'ignore'}).unref()`;
      const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
      bare.push((await all) - start);
      await ended(child);
    }
  }
  say(
    `d  first converge, 1000 ${ms(median(mine))}  bare spawn loop ${ms(median(bare))}  ratio ${ratio(median(mine) / median(bare))}  (goal: at most 2x)`,
  );
}

async function e(): Promise<void> {
  await using bench = await createBench();
  const us = ours(bench);
  for (const name of names(200)) us.write(name);
  const ready = bench.startedAll(200);
  const daemon = await us.daemon();
  await ready;
  // What was acted on last is watched for a minute, in case somebody undoes it: that is not idle yet.
  await sleep(75_000);
  const before = usage(daemon.pid ?? 0);
  await sleep(60_000);
  const after = usage(daemon.pid ?? 0);
  daemon.kill('SIGTERM');
  await ended(daemon);
  const share = (after.cpu - before.cpu) / 600;
  say(
    `e  idle, 200, 60 s      ${share.toFixed(3)} % of a core  resident ${after.rss.toFixed(0)} MB  (goals: at most 0.1 %, 70 MB)`,
  );
}

const parts: Readonly<Record<string, () => Promise<void>>> = {
  a,
  b,
  c,
  d,
  e,
  ...underSystemd(),
  ...underSupervisord(),
  l: git.l,
  m: () => probes.m(say),
  n: () => loops.n(say),
  o: () => loops.o(say),
  p: () => logs.p(say),
  q: () => status.q(say),
};
/** Where it is not installed, that is said in place of figures. */
function underSupervisord(): Readonly<Record<string, () => Promise<void>>> {
  if (hasSupervisord()) return { j: programs.j, k: programs.k };
  const skip = (part: string) => async () => say(`${part}  under supervisord: skipped, not installed`);
  return { j: skip('j'), k: skip('k') };
}

/** Where no host with a systemd of its own can be had, that is said in place of figures. */
function underSystemd(): Readonly<Record<string, () => Promise<void>>> {
  const why = whyNoSystemdHost();
  if (why === undefined) return { f: systemd.f, g: systemd.g, h: systemd.h, i: systemd.i };
  const skip = (part: string) => async () => say(`${part}  under systemd: skipped, ${why}`);
  return { f: skip('f'), g: skip('g'), h: skip('h'), i: skip('i') };
}

const wanted = process.argv.slice(2).length > 0 ? process.argv.slice(2) : Object.keys(parts);
for (const part of wanted) {
  const measure = parts[part];
  if (measure === undefined) throw new Error(`no such part: ${part}; there are ${Object.keys(parts).join(' ')}`);
  await measure();
}
process.exit(0);
