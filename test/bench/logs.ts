/**
 * `reconcile logs -f` of 50 services at 1,000 lines a second each, for 20 s: `npm run bench -- p`.
 *   files    of the embedded supervisor, rotated by the daemon meanwhile; beside `tail -F` of the same files
 *   journal  of systemd, on a host of its own; beside `journalctl -f` of the same units
 * The time that each of them itself took, as a share of one core, and whether each line of each service came once, in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { whyNoSystemdHost } from '../rig/systemd/needs.ts';
import { createBench, ended, ours, RECONCILE } from './rig.ts';

const COUNT = 50;
const SECONDS = 20;
const names = Array.from({ length: COUNT }, (_, i) => `s${i}`);

/** A thousand lines of a hundred bytes a second, ten at a time, numbered; behind by no more than the clock allows. */
const WRITER = `$| = 1; use Time::HiRes qw(time sleep); my ($name, $i, $begin) = ($ARGV[0], 0, time);
while (1) { my $due = int((time - $begin) * 1000); my $text = "";
  while ($i < $due) { $i++; $text .= sprintf("%s %09d %s\\n", $name, $i, "x" x 84); } print $text; sleep 0.01; }`;

/** CPU of a process and all that it waited for or that still runs below it (ms). */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const own = [11, 12, 13, 14].reduce((sum, field) => sum + Number(stat[field]), 0) * 10;
  const below = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return own + (below === '' ? 0 : below.split(' ').reduce((sum, child) => sum + cpuOf(Number(child)), 0));
}

/** Each line of each service once and in order, from where it begins? What is wrong, and how many there are. */
async function check(
  path: string,
): Promise<{ readonly lines: number; readonly wrong: number; readonly least: number }> {
  const last = new Map<string, number>();
  const counts = new Map<string, number>();
  let [lines, wrong] = [0, 0];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const found = /(s\d+) (\d{9}) x{84}$/.exec(line);
    if (found === null) continue;
    const [, name = '', text = ''] = found;
    const before = last.get(name);
    if (before !== undefined && Number(text) !== before + 1) wrong += 1;
    last.set(name, Number(text));
    counts.set(name, (counts.get(name) ?? 0) + 1);
    lines += 1;
  }
  return { lines, wrong, least: counts.size === COUNT ? Math.min(...counts.values()) : 0 };
}

interface Measured {
  readonly cpu: number;
  readonly lines: number;
  readonly wrong: number;
  readonly least: number;
}

/** What a command took while it wrote to a file for so long, and what it wrote. `pidOf`: the process that is measured. */
async function measured(
  output: string,
  begin: (fd: number) => ChildProcess,
  pidOf = (child: ChildProcess) => child.pid ?? 0,
): Promise<Measured> {
  const fd = openSync(output, 'w');
  const child = begin(fd);
  closeSync(fd);
  await sleep(2000);
  const pid = pidOf(child);
  const before = cpuOf(pid);
  const at = performance.now();
  await sleep(SECONDS * 1000);
  const cpu = (cpuOf(pid) - before) / (performance.now() - at);
  process.kill(pid, 'SIGINT');
  await ended(child);
  return { cpu, ...(await check(output)) };
}

const share = ({ cpu }: Measured) => `${(100 * cpu).toFixed(0)} % of a core`;
/** CPU time a line, in microseconds: whoever is slower shows fewer, where the journal itself is the bound. */
const perLine = ({ cpu, lines }: Measured) => (cpu * (SECONDS + 2) * 1e6) / lines;
const told = ({ lines, wrong, least }: Measured) =>
  `${(lines / (SECONDS + 2)).toFixed(0)} lines/s, ${wrong === 0 && least > 0 ? 'each once and in order' : `${wrong} WRONG (least of a service: ${least})`}`;

export async function p(say: (line: string) => void): Promise<void> {
  await ofFiles(say);
  const why = whyNoSystemdHost();
  if (why !== undefined) say(`p  journal: skipped, ${why}`);
  else await ofJournal(say);
}

async function ofFiles(say: (line: string) => void): Promise<void> {
  await using bench = await createBench();
  const us = ours(bench);
  for (const name of names) writeFileSync(join(us.desired, 'services', `${name}.yaml`), service(bench.folder, name));
  const daemon = await us.daemon();
  const log = (name: string) => join(bench.folder, `${name}.log`);
  while (names.some((name) => !existsSync(log(name)))) await sleep(100);
  const out = (tag: string) => join(bench.folder, `${tag}.out`);
  const mine = await measured(out('ours'), (fd) =>
    spawn(RECONCILE, [...us.args, 'logs', 'group:*', '-f', '-n', '0'], { stdio: ['ignore', fd, 'inherit'] }),
  );
  const tail = await measured(out('tail'), (fd) =>
    spawn('tail', ['-q', '-n', '0', '-F', ...names.map(log)], { stdio: ['ignore', fd, 'ignore'] }),
  );
  const grep = await measured(out('grep'), (fd) =>
    spawn(RECONCILE, [...us.args, 'logs', 'group:*', '-f', '-n', '0', '--grep', '0 x'], {
      stdio: ['ignore', fd, 'inherit'],
    }),
  );
  const rotated = readdirSync(bench.folder).filter((name) => /\.log\.\d+$/.test(name)).length;
  daemon.kill('SIGTERM');
  await ended(daemon);
  stop(names);
  say(
    `p  logs -f, files       reconciled ${share(mine)} (goal: at most 100 %), ${told(mine)}; ${rotated} rotated files in all`,
  );
  say(
    `p  logs -f, files       tail -F    ${share(tail)}, ${told(tail)}; reconciled/tail ${(mine.cpu / tail.cpu).toFixed(2)}x`,
  );
  say(`p  logs -f --grep       reconciled ${share(grep)}`);
}

function service(folder: string, name: string): string {
  return `supervisor: builtin
group: group
command: [perl, -e, ${JSON.stringify(WRITER)}, ${name}]
start: { ready: 0s }
logs: { stdout: ${folder}/${name}.log, stderr: ${folder}/${name}-error.log, maxSize: 1MB, keep: 100 }
`;
}

/** The writers of these services. */
function stop(all: readonly string[]): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (command[2] === WRITER && all.includes(command[3] ?? '')) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has gone.
    }
  }
}

const DESIRED = '/root/desired-state';

async function ofJournal(say: (line: string) => void): Promise<void> {
  await using host = await systemdHost();
  host.write('/etc/systemd/journald.conf.d/limit.conf', '[Journal]\nRateLimitIntervalSec=0\n');
  await host.systemctl('restart', 'systemd-journald');
  for (const name of names)
    host.write(
      `${DESIRED}/services/${name}.yaml`,
      `supervisor: systemd\ngroup: group\ncommand: [perl, -e, ${JSON.stringify(WRITER)}, ${name}]\nstart: { ready: 0s }\n`,
    );
  const applied = await host.exec([RECONCILE, '--desired-state', DESIRED], { timeout: 600_000 });
  if (applied.code !== 0) throw new Error(`apply ended with ${applied.code}: ${applied.stdout}${applied.stderr}`);
  const units = names.map((name) => `--unit=${name}.service`);
  const us = await inHost(host, [RECONCILE, 'logs', 'group:*', '-f', '-n', '0', '--desired-state', DESIRED]);
  const peer = await inHost(host, ['journalctl', '-f', '-n', '0', '-o', 'cat', ...units]);
  const json = await inHost(host, [
    'journalctl',
    '-f',
    '-n',
    '0',
    '-a',
    '-o',
    'json',
    '--output-fields=MESSAGE,_SYSTEMD_UNIT,UNIT',
    ...units,
  ]);
  await host.exec(['systemctl', 'stop', ...names.map((name) => `${name}.service`)]);
  say(
    `p  logs -f, journal     reconciled ${share(us)}, of that journalctl ${(100 * us.below).toFixed(0)} %, ${told(us)}, ${perLine(us).toFixed(1)} us a line`,
  );
  say(
    `p  logs -f, journal     journalctl ${share(peer)} (-o json ${share(json)}), ${told(peer)}, ${perLine(peer).toFixed(1)} us a line; reconciled/journalctl a line ${(perLine(us) / perLine(peer)).toFixed(2)}x`,
  );
}

async function inHost(host: SystemdHost, command: readonly string[]): Promise<Measured & { readonly below: number }> {
  const output = host.path('/root/out');
  const child = host.spawn(['sh', '-c', 'exec "$@" >/root/out', 'sh', ...command]);
  child.stderr.pipe(process.stderr);
  await sleep(3000);
  const pid = pidOf(command);
  const [before, own] = [cpuOf(pid), ownCpu(pid)];
  const at = performance.now();
  await sleep(SECONDS * 1000);
  const took = performance.now() - at;
  const all = (cpuOf(pid) - before) / took;
  const below = all - (ownCpu(pid) - own) / took;
  process.kill(pid, 'SIGINT');
  if (child.exitCode === null) await once(child, 'exit');
  return { cpu: all, below, ...(await check(output)) };
}

function ownCpu(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(stat[11]) + Number(stat[12])) * 10;
}

/** Out here, by the end of its arguments. */
function pidOf(command: readonly string[]): number {
  const wanted = command.slice(1).join('\0');
  const found = readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').endsWith(`\0${wanted}\0`);
    } catch {
      return false;
    }
  });
  const pid = found
    .map(Number)
    .sort((a, b) => a - b)
    .at(-1);
  if (pid === undefined) throw new Error(`no process of ${command.join(' ')}`);
  return pid;
}
