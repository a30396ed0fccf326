/**
 * Measures a desired state in Git beside what no tool can do without, in turns so that a slow moment of the machine hits
 * both: `npm run bench -- l`.
 *   l  pushed -> changed process running, by the hook, over file, SSH and smart HTTP: ours, a bare `git fetch` and `git log`
 *      with signatures verified, and a bare start of the service
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startHttp } from '../rig/git/http.ts';
import { makeKey, signer } from '../rig/git/keys.ts';
import { createRepository, environment as gitEnvironment, type Repository } from '../rig/git/repository.ts';
import { TRANSPORTS, type Transport } from '../rig/git/site.ts';
import { startSshd } from '../rig/git/sshd.ts';
import { type Bench, createBench, ended, environment, median, quantile, RECONCILE, serviceYaml } from './rig.ts';

const ROUNDS = 20;
const names = ['web', 'api', 'mail', 'feed', 'cron'];
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

export async function l(): Promise<void> {
  for (const transport of TRANSPORTS) await pushed(transport);
}

/** How a repository is reached: in our configuration, and by plain git. */
interface Way {
  readonly settings: Readonly<Record<string, string>>;
  readonly url: string;
  readonly env: NodeJS.ProcessEnv;
}

async function wayOf(transport: Transport, bench: Bench, { folder }: Repository): Promise<Way> {
  if (transport === 'file') return { settings: { url: folder }, url: folder, env: {} };
  if (transport === 'ssh') {
    const sshd = await startSshd();
    bench.onDispose(async () => sshd[Symbol.asyncDispose]());
    const { client, knownHosts } = sshd;
    const url = sshd.url(folder);
    const ssh = `ssh -F none -i ${client.file} -o UserKnownHostsFile=${knownHosts} -o BatchMode=yes`;
    return { settings: { url, sshKey: client.file, knownHosts }, url, env: { GIT_SSH_COMMAND: ssh } };
  }
  const http = await startHttp();
  bench.onDispose(async () => http[Symbol.asyncDispose]());
  const tokenFile = join(bench.folder, 'token');
  writeFileSync(tokenFile, http.token, { mode: 0o600 });
  const url = http.url(folder);
  return { settings: { url, tokenFile }, url: url.replace('//', `//robot:${http.token}@`), env: {} };
}

async function pushed(transport: Transport): Promise<void> {
  await using bench = await createBench();
  const repository = createRepository(join(bench.folder, 'fleet.git'));
  const key = makeKey(join(bench.folder, 'key'));
  const signers = join(bench.folder, 'allowed_signers');
  writeFileSync(signers, signer('dana@example.org', key));
  const way = await wayOf(transport, bench, repository);
  let head: string | undefined;
  const push = (round: number) => {
    const files = names.map((name) => [
      `services/${name}.yaml`,
      serviceYaml(bench, name, name === 'api' ? `, ROUND: "${round}"` : ''),
    ]);
    head = repository.commit(
      { 'policy.yaml': `owner: bench-${process.pid}\n`, ...Object.fromEntries(files) },
      { parents: head === undefined ? [] : [head], signedBy: key },
    );
    repository.push(head);
    return head;
  };
  let last = push(0);

  const config = join(bench.folder, 'reconcile.config.json');
  const git = { ...way.settings, ref: 'main', poll: '1h' };
  writeFileSync(config, JSON.stringify({ git, trust: { signedBy: signers } }));
  const args = ['--config', config, '--runtime-dir', join(bench.folder, 'run')];
  execFileSync(RECONCILE, ['hook', 'install', repository.folder, ...args], { env: environment(), stdio: 'ignore' });
  const all = bench.startedAll(names.length);
  const daemon = spawn(RECONCILE, ['daemon', ...args], { stdio: 'ignore', env: environment() });
  await all;
  await sleep(3000);

  const mirror = join(bench.folder, 'bare.git');
  const env = { ...gitEnvironment(), ...way.env };
  mkdirSync(mirror);
  await done(spawn('git', ['init', '--quiet', '--bare', mirror], { env }));
  const fetch = () => done(spawn('git', ['-C', mirror, 'fetch', '--quiet', way.url, '+main:main'], { env }));
  const verify = (from: string, to: string) => {
    const setting = `gpg.ssh.allowedSignersFile=${signers}`;
    const child = spawn('git', ['-C', mirror, '-c', setting, 'log', '--format=%G?', `${from}..${to}`], { env });
    return done(child, 'G\n');
  };
  await fetch();

  const [mine, bare, start]: [number[], number[], number[]] = [[], [], []];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const next = bench.started('api');
    const before = last;
    const at = performance.now();
    last = push(round);
    // As git-receive-pack runs it, which has moved the ref by then.
    const hook = spawn(join(repository.folder, 'hooks/post-receive'), {
      cwd: repository.folder,
      env: environment(),
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // It may not care which refs were moved.
    hook.stdin.on('error', () => undefined).end(`${before} ${last} refs/heads/main\n`);
    mine.push((await next).at - at);
    await ended(hook);
    await sleep(300);
    const from = performance.now();
    await fetch();
    await verify(before, last);
    bare.push(performance.now() - from);
    start.push(await ownStart(bench, round));
    await sleep(300);
  }
  daemon.kill('SIGTERM');
  await ended(daemon);
  const more = median(mine) - median(bare) - median(start);
  say(
    `l  pushed -> running    over ${transport.padEnd(4)} p50 ${ms(median(mine))}  p90 ${ms(quantile(mine, 0.9))}  bare fetch and verify ${ms(median(bare))}  the service's own start ${ms(median(start))}  over both ${ms(more)}  (goal: at most 100 ms)`,
  );
}

/** From the start of the service, by nobody but us, to its first word. */
async function ownStart(bench: Bench, round: number): Promise<number> {
  const told = bench.started(`own-${round}`);
  const at = performance.now();
  spawn(bench.service, [`own-${round}`], { stdio: 'ignore', detached: true }).unref();
  return (await told).at - at;
}

/** Fails where it does, or says another thing than it should. */
async function done(child: ChildProcess, expected?: string): Promise<void> {
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await ended(child);
  if (child.exitCode !== 0 || (expected !== undefined && said !== expected))
    throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}: ${said}`);
}
