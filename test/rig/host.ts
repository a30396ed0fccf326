import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { ServiceStatus } from '../../src/model.ts';

export const RECONCILE = new URL('../../dist/reconcile', import.meta.url).pathname;

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host of a test's own: desired state, runtime folder, and the built command line working on them with real processes. */
export interface Host extends AsyncDisposable {
  readonly folder: string;
  /** Of all that is its own. */
  readonly owner: string;
  readonly desired: string;
  readonly runtime: string;
  /** Writes `services/NAME.yaml`, or any file below the desired state where the name has a slash. */
  write(name: string, content: object | string): void;
  remove(name: string): void;
  reconcile(...args: readonly string[]): Promise<Result>;
  status(): Promise<readonly ServiceStatus[]>;
  /** Pids by name of everything that runs. */
  pids(): Promise<Readonly<Record<string, number>>>;
  daemon(...args: readonly string[]): Promise<DaemonProcess>;
  /** Another command, not waited for. */
  begin(...args: readonly string[]): DaemonProcess;
  /** Every process of this host's services that is there now, by its stamp and this host's owner. */
  processes(): readonly { readonly pid: number; readonly stamp: string; readonly command: string }[];
}

export interface DaemonProcess {
  readonly child: ChildProcess;
  /** Everything it has written so far. */
  readonly output: () => string;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Resolves when its output holds the text; fails with the output where it ends before. */
  saw(text: string | RegExp): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

let hosts = 0;
let times = 0;

/**
 * Seconds to sleep that nobody else on this machine sleeps for: tests run beside each other, and to a supervisor that runs the
 * very command of a service we say that both would run it.
 */
export function ownTime(): string {
  times += 1;
  return `${100_000 + process.pid}.${times}`;
}

export interface HostOptions {
  /** What reconcile.config.yaml says; with `git` in it, the desired state is not `desired`. Made once the host has its folder. */
  readonly settings?: (host: { readonly folder: string; readonly owner: string }) => object;
  /** Besides the host's own, and over it. */
  readonly environment?: NodeJS.ProcessEnv;
}

export async function createHost({ settings, environment: more }: HostOptions = {}): Promise<Host> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-host-')));
  const desired = join(folder, 'desired-state');
  const runtime = join(folder, 'run');
  hosts += 1;
  const owner = `t${process.pid}-${hosts}`;
  mkdirSync(join(desired, 'services'), { recursive: true });
  writeFileSync(join(desired, 'policy.yaml'), `owner: ${owner}\n`);
  const daemons: DaemonProcess[] = [];
  const environment = {
    PATH: process.env.PATH,
    HOME: folder,
    ...(settings === undefined ? { RECONCILE_DESIRED_STATE: desired } : {}),
    RECONCILE_RUNTIME_DIR: runtime,
    ...more,
  };
  // JSON is YAML too.
  if (settings !== undefined)
    writeFileSync(join(folder, 'reconcile.config.yaml'), JSON.stringify(settings({ folder, owner })));
  const start = (args: readonly string[]) =>
    spawn(RECONCILE, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const path = (name: string) =>
    name.includes('/') || name.includes('.') ? join(desired, name) : join(desired, 'services', `${name}.yaml`);

  const host: Host = {
    folder,
    owner,
    desired,
    runtime,
    write: (name, content) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), typeof content === 'string' ? content : stringify(content));
    },
    remove: (name) => rmSync(path(name)),
    reconcile: async (...args) => {
      const child = start(args);
      const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, stdout: stdout(), stderr: stderr() };
    },
    status: async () => {
      const { stdout, stderr } = await host.reconcile('status', '--json');
      try {
        return (JSON.parse(stdout) as { services: ServiceStatus[] }).services;
      } catch {
        throw new Error(`no status: ${stdout}${stderr}`);
      }
    },
    pids: async () =>
      Object.fromEntries((await host.status()).flatMap(({ name, pid }) => (pid === null ? [] : [[name, pid]]))),
    daemon: async (...args) => host.begin('daemon', ...args),
    begin: (...args) => {
      const started = daemonProcess(start(args));
      daemons.push(started);
      return started;
    },
    processes: () => stamped(`v1:${owner}:`),
    [Symbol.asyncDispose]: async () => {
      for (const daemon of daemons) await daemon.stop('SIGKILL');
      // What a failed test left must not live on: only processes stamped with this host's own owner.
      await until(() => {
        const left = stamped(`v1:${owner}:`);
        for (const { pid } of left) kill(pid);
        return left.length === 0;
      });
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return host;
}

/** A variable that a process was started with; undefined where there is none, or the process has just ended. */
export function variableOf(pid: number, name: string): string | undefined {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return variables.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

/** Waits for a condition on the host, for as long as a noisy machine may need. */
export async function until<T>(condition: () => T | Promise<T>, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${seconds}s in vain: ${condition}`);
    await sleep(20);
  }
}

/** Follows what a daemon says. */
export function daemonProcess(child: ReturnType<typeof spawn>): DaemonProcess {
  let output = '';
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of [...waiting]) check();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      wake();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  let over = false;
  ended.then(() => {
    over = true;
    wake();
  });
  return {
    child,
    ended,
    output: () => output,
    saw: (wanted) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = typeof wanted === 'string' ? output.includes(wanted) : wanted.test(output);
          if (!found && !over) return;
          waiting.delete(check);
          if (found) resolve();
          else reject(new Error(`the daemon ended before it said ${wanted}: ${output}`));
        };
        waiting.add(check);
        check();
      }),
    stop: async (signal = 'SIGTERM') => {
      if (!over) child.kill(signal);
      return ended;
    },
  };
}

function text(stream: NodeJS.ReadableStream): () => string {
  let all = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    all += chunk;
  });
  return () => all;
}

function stamped(prefix: string): { pid: number; stamp: string; command: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const variables = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      const stamp = variables
        .find((v) => v.startsWith(`RECONCILED_DEFINITION=${prefix}`))
        ?.slice('RECONCILED_DEFINITION='.length);
      if (stamp === undefined) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').join(' ').trim();
      const state = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /s, '')[0];
      return state === 'Z' ? [] : [{ pid: Number(name), stamp, command }];
    } catch {
      return [];
    }
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself.
  }
}
