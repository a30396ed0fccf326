import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** statfs(2): TMPFS_MAGIC */
const TMPFS = 0x01021994;

export const RECONCILE = new URL('../../dist/reconcile', import.meta.url).pathname;

/** The folder of one benchmark run: a program that tells when it starts, and the FIFO it tells it on. */
export interface Bench extends AsyncDisposable {
  readonly folder: string;
  /** `bench-service NAME`: writes `NAME PID` to the FIFO, then sleeps as `bench-sleeper`. */
  readonly service: string;
  /** Resolves with performance.now() when the named service has told its start; call before causing it. */
  started(name: string): Promise<{ readonly at: number; readonly pid: number }>;
  /** Resolves when this many starts have been told from now on. */
  startedAll(count: number): Promise<number>;
  /** The pid that the service last told. */
  pid(name: string): number;
  onDispose(act: () => void | Promise<void>): void;
}

export async function createBench(): Promise<Bench> {
  // Runtime folders are on a tmpfs on every real host (/run).
  const folder = realpathSync(
    mkdtempSync(join(statfsSync('/dev/shm').type === TMPFS ? '/dev/shm' : tmpdir(), 'reconciled-bench-')),
  );
  const fifo = join(folder, 'starts');
  const service = join(folder, 'bench-service');
  execFileSync('mkfifo', ['-m', '600', fifo]);
  writeFileSync(service, `#!/bin/sh\necho "$1 $$" >${fifo}\nexec sleep 1000000\n`);
  chmodSync(service, 0o755);
  const pids = new Map<string, number>();
  const waiting = new Map<string, PromiseWithResolvers<{ at: number; pid: number }>>();
  let seen = 0;
  let check = () => {};
  // Open for writing too: so it never ends while no service holds it.
  const stream = new Socket({
    fd: openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  let rest = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    const at = performance.now();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [name = '', pid = ''] = line.split(' ');
      pids.set(name, Number(pid));
      seen += 1;
      waiting.get(name)?.resolve({ at, pid: Number(pid) });
      waiting.delete(name);
    }
    check();
  });
  const last: (() => void | Promise<void>)[] = [];
  return {
    folder,
    service,
    started: (name) => {
      const promise = Promise.withResolvers<{ at: number; pid: number }>();
      waiting.set(name, promise);
      return promise.promise;
    },
    startedAll: (count) =>
      new Promise((resolve) => {
        const goal = seen + count;
        check = () => {
          if (seen >= goal) resolve(performance.now());
        };
      }),
    pid: (name) => pids.get(name) ?? 0,
    onDispose: (act) => last.unshift(act),
    [Symbol.asyncDispose]: async () => {
      for (const act of last) await act();
      stream.destroy();
      killTold(pids);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whatever told its start here and still is what it was. */
function killTold(pids: ReadonlyMap<string, number>): void {
  for (const pid of pids.values()) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\x001000000\x00') process.kill(pid, 'SIGKILL');
    } catch {
      // It has gone.
    }
  }
}

/** A service file as full as the example in the design, for the bench service. */
export function serviceYaml(bench: Bench, name: string, extra = ''): string {
  return `# yaml-language-server: $schema=../../schemas/service.schema.json
description: Event-driven trading engine
group: dolphin
supervisor: builtin
state: running
command: [${bench.service}, ${name}]
directory: ${bench.folder}
environment: { TZ: UTC${extra} }
start: { ready: 0s, retries: 3 }
stop: { signal: TERM, timeout: 30s, tree: true }
restart: { policy: always, backoff: { initial: 1s, factor: 2, max: 5m }, limit: { restarts: 1000, within: 10m }, cooldown: 5m }
logs: { stdout: ${bench.folder}/${name}.log, stderr: ${bench.folder}/${name}-error.log, maxSize: 50MB, keep: 10 }
changes: now
`;
}

export interface Ours {
  readonly desired: string;
  readonly args: readonly string[];
  write(name: string, extra?: string): void;
  run(...args: readonly string[]): { readonly code: number | null; readonly ms: number; readonly stdout: string };
  daemon(): Promise<ChildProcess>;
}

/** Our own command line on a runtime folder of the bench. */
export function ours(bench: Bench, tag = 'ours'): Ours {
  const desired = join(bench.folder, tag, 'desired-state');
  mkdirSync(join(desired, 'services'), { recursive: true });
  writeFileSync(join(desired, 'policy.yaml'), `owner: bench-${process.pid}\n`);
  const args = ['--desired-state', desired, '--runtime-dir', join(bench.folder, tag, 'run')];
  const self: Ours = {
    desired,
    args,
    write: (name, extra) => writeFileSync(join(desired, 'services', `${name}.yaml`), serviceYaml(bench, name, extra)),
    run: (...more) => timed(RECONCILE, [...more, ...args]),
    daemon: async () => {
      const child = spawn(RECONCILE, ['daemon', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      let log = '';
      child.stderr.setEncoding('utf8');
      for await (const chunk of child.stderr) {
        log += chunk;
        if (log.includes('ready')) break;
      }
      child.stderr.destroy();
      return child;
    },
  };
  return self;
}

/** One command, its wall time in ms and what it printed. */
export function timed(command: string, args: readonly string[]): { code: number | null; ms: number; stdout: string } {
  const start = performance.now();
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, env: environment() });
  return { code: status, ms: performance.now() - start, stdout };
}

/** NODE_EXTRA_CA_CERTS makes every Node program start slower. */
export function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env;
  return rest;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** User and system time of a process in ms, and its resident memory in MB. */
export function usage(pid: number): { cpu: number; rss: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return { cpu: (Number(stat[11]) + Number(stat[12])) * 10, rss: Number(rss) / 1024 };
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

export function processCount(): number {
  return readdirSync('/proc').filter((n) => /^\d+$/.test(n)).length;
}
