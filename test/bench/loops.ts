/**
 * Crash loops.
 *   n  200 services that end at once, for as long as their budgets let them: how soon the daemon answers meanwhile, how often
 *      each is restarted, and what that costs
 *   o  one service that ends 3 s after its start, for ever: how often it is restarted in ten minutes under us, pm2, supervisord
 *      and monit, side by side. SECONDS=60 makes it shorter.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasSupervisord, installPm2 } from './peers.ts';
import { type Bench, createBench, ended, environment, ours, quantile, usage } from './rig.ts';

type Say = (line: string) => void;

const LOOPS = 200;
const RESTARTS = 5;
const SECONDS = Number(process.env.SECONDS ?? 600);

interface Row {
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
}

/** What the daemon answers over its socket, and in how many ms. */
function ask(socketPath: string): Promise<{ readonly ms: number; readonly services: readonly Row[] }> {
  const at = performance.now();
  return new Promise((resolve, reject) => {
    request({ socketPath, path: '/v1/status' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ ms: performance.now() - at, services: JSON.parse(text).services }));
    })
      .on('error', reject)
      .end();
  });
}

export async function n(say: Say): Promise<void> {
  await using bench = await createBench();
  const us = ours(bench);
  writeFileSync(
    join(us.desired, 'policy.yaml'),
    `owner: bench-${process.pid}\nbudgets: { host: { restarts: ${LOOPS * RESTARTS}, within: 10m } }\n`,
  );
  for (let i = 0; i < LOOPS; i += 1) {
    const restart = `{ limit: { restarts: ${RESTARTS}, within: 10m }, backoff: { initial: 500ms, factor: 2, max: 5s } }`;
    writeFileSync(
      join(us.desired, 'services', `s${i}.yaml`),
      `supervisor: builtin\ncommand: [/bin/false]\nstart: { ready: 0s }\nrestart: ${restart}\n`,
    );
  }
  const daemon = await us.daemon();
  const pid = daemon.pid ?? 0;
  const socket = join(bench.folder, 'ours/run/control.sock');
  const [began, before] = [performance.now(), usage(pid)];
  const took: number[] = [];
  let rows: readonly Row[] = [];
  do {
    const answer = await ask(socket);
    took.push(answer.ms);
    rows = answer.services;
    await sleep(50);
  } while (performance.now() - began < 60_000 && !rows.every(({ state }) => state === 'HELD'));
  const share = (usage(pid).cpu - before.cpu) / (performance.now() - began);
  const counts = new Set(rows.map(({ restarts }) => restarts));
  daemon.kill('SIGTERM');
  await ended(daemon);
  say(
    `n  ${LOOPS} crash loops      status p50 ${quantile(took, 0.5).toFixed(0)} ms  p99 ${quantile(took, 0.99).toFixed(0)} ms of ${took.length}  (goal: p99 at most 100 ms)`,
  );
  say(
    `n  restarts             ${[...counts].join(', ')} of each, declared are ${RESTARTS}; all HELD after ${((performance.now() - began) / 1000).toFixed(0)} s`,
  );
  say(`n  the daemon           ${(share * 100).toFixed(0)} % of a core  (goal: at most 100 %)`);
}

/** A program that notes each start and ends 3 s later. */
function crasher(bench: Bench, who: string): { readonly path: string; starts(): number } {
  const [path, notes] = [join(bench.folder, `${who}-crasher`), join(bench.folder, `${who}-starts`)];
  writeFileSync(path, `#!/bin/sh\necho >>${notes}\nsleep 3\nexit 1\n`);
  chmodSync(path, 0o755);
  return { path, starts: () => (existsSync(notes) ? readFileSync(notes, 'utf8').length : 0) };
}

export async function o(say: Say): Promise<void> {
  await using bench = await createBench();
  const stops: (() => void)[] = [];
  const told: { readonly who: string; starts(): number }[] = [];
  const run = async (who: string, begin: (path: string) => (() => void) | Promise<() => void>) => {
    const { path, starts } = crasher(bench, who);
    stops.push(await begin(path));
    told.push({ who, starts });
  };
  const program = installPm2(bench);
  await run('reconciled', async (path) => {
    const us = ours(bench);
    writeFileSync(join(us.desired, 'services/loop.yaml'), `supervisor: builtin\ncommand: [${path}]\n`);
    const daemon = await us.daemon();
    return () => daemon.kill('SIGTERM');
  });
  if (program === undefined) say('o  pm2: skipped, it could not be installed');
  else
    await run('pm2', (path) => {
      const env = { ...environment(), PM2_HOME: join(bench.folder, 'pm2-home') };
      execFileSync(program, ['start', path, '--interpreter', 'none', '--name', 'loop'], { env, stdio: 'ignore' });
      return () => execFileSync(program, ['kill'], { env, stdio: 'ignore' });
    });
  if (!hasSupervisord()) say('o  supervisord: skipped, not installed');
  else await run('supervisord', (path) => end(spawnSupervisord(bench, path)));
  if (spawnSync('monit', ['--version']).status !== 0) say('o  monit: skipped, not installed');
  else await run('monit', (path) => end(spawnMonit(bench, path)));
  await sleep(SECONDS * 1000);
  const counts = told.map(({ who, starts }) => ({ who, restarts: Math.max(0, starts() - 1) }));
  for (const stop of stops) stop();
  await sleep(1000);
  const mine = counts[0]?.restarts ?? 0;
  for (const { who, restarts } of counts) {
    const beside = who === 'reconciled' ? '' : `  ${(restarts / mine).toFixed(1)}x ours`;
    say(`o  ends 3 s after start ${who.padEnd(11)} ${restarts} restarts in ${SECONDS} s${beside}`);
  }
}

function end(child: ChildProcess): () => void {
  return () => child.kill('SIGTERM');
}

/** Its defaults, but for where its files are. */
function spawnSupervisord(bench: Bench, path: string): ChildProcess {
  const folder = join(bench.folder, 'supervisord');
  mkdirSync(folder);
  const main = `[supervisord]\nlogfile=${folder}/log\npidfile=${folder}/pid\nchildlogdir=${folder}\nnodaemon=true\n`;
  writeFileSync(join(folder, 'conf'), `${main}[program:loop]\ncommand=${path}\n`);
  return spawn('supervisord', ['-c', join(folder, 'conf')], { stdio: 'ignore' });
}

/** It looks every two seconds, where it would every two minutes; how often it may start is nobody's word by default. */
function spawnMonit(bench: Bench, path: string): ChildProcess {
  const folder = join(bench.folder, 'monit');
  mkdirSync(folder);
  const start = join(folder, 'start');
  writeFileSync(start, `#!/bin/sh\nsetsid ${path} >/dev/null 2>&1 &\necho $! >${folder}/loop.pid\n`);
  chmodSync(start, 0o755);
  const files = `set pidfile ${folder}/pid\nset idfile ${folder}/id\nset statefile ${folder}/state\nset logfile ${folder}/log\n`;
  const check = `check process loop with pidfile ${folder}/loop.pid\n  start program = "${start}"\n  stop program = "/bin/true"\n`;
  writeFileSync(join(folder, 'rc'), `set daemon 2\n${files}${check}`, { mode: 0o600 });
  return spawn('monit', ['-I', '-c', join(folder, 'rc')], { stdio: 'ignore' });
}
