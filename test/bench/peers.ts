import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, environment } from './rig.ts';

/** Another supervisor with the bench service as N programs, and how to ask it for their state. */
export interface Peer {
  readonly name: string;
  readonly status: readonly [string, readonly string[]];
  stop(): Promise<void>;
}

export function hasSupervisord(): boolean {
  return spawnSync('supervisord', ['--version']).status === 0;
}

/** supervisord with N programs; `minfds` is small because a large one makes its spawning slower. */
export async function supervisord(bench: Bench, names: readonly string[]): Promise<Peer> {
  const folder = join(bench.folder, `supervisord-${names.length}`);
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'supervisord.conf');
  const programs = names.map(
    (name) =>
      `[program:${name}]\ncommand=${bench.service} ${name}\nstartsecs=0\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n`,
  );
  writeFileSync(
    config,
    `[supervisord]\nlogfile=${folder}/log\npidfile=${folder}/pid\nchildlogdir=${folder}\nnodaemon=true\nminfds=${Math.max(1024, names.length * 4)}\n` +
      `[unix_http_server]\nfile=${folder}/sock\nchmod=0600\n[supervisorctl]\nserverurl=unix://${folder}/sock\n` +
      `[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n${programs.join('')}`,
  );
  const all = bench.startedAll(names.length);
  const child = spawn('supervisord', ['-c', config], { stdio: 'ignore' });
  await all;
  while (!existsSync(join(folder, 'sock'))) await sleep(20);
  return { name: 'supervisord', status: ['supervisorctl', ['-c', config, 'status']], stop: () => end(child) };
}

/** pm2 from the npm registry, in the bench's own folder: it is a peer to measure, no dependency. Undefined where it can't be had. */
export function installPm2(bench: Bench): string | undefined {
  const prefix = join(bench.folder, 'pm2');
  mkdirSync(prefix, { recursive: true });
  writeFileSync(join(prefix, 'package.json'), '{"private":true}');
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', 'pm2@7.0.4'], {
    cwd: prefix,
    stdio: 'ignore',
  });
  return status === 0 ? join(prefix, 'node_modules/.bin/pm2') : undefined;
}

export async function pm2(bench: Bench, program: string, names: readonly string[]): Promise<Peer> {
  const home = join(bench.folder, `pm2-home-${names.length}`);
  const env = { ...environment(), PM2_HOME: home };
  const ecosystem = join(bench.folder, `ecosystem-${names.length}.config.js`);
  const apps = names.map((name) => ({
    name,
    script: bench.service,
    args: name,
    interpreter: 'none',
    max_restarts: 1_000_000,
  }));
  writeFileSync(ecosystem, `module.exports = ${JSON.stringify({ apps })};\n`);
  const all = bench.startedAll(names.length);
  execFileSync(program, ['start', ecosystem], { env, stdio: 'ignore' });
  await all;
  return {
    name: 'pm2',
    status: [program, ['jlist']],
    stop: async () => {
      execFileSync(program, ['kill'], { env, stdio: 'ignore' });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await Promise.race([gone, sleep(30_000)]);
}
