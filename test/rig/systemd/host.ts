import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { RECONCILE, type Result } from '../host.ts';
import { boot, type Container } from './boot.ts';
import { type EnterOptions, type ExecOptions, enter, run } from './enter.ts';
import { newName, removeHost, removeLeftovers } from './leftovers.ts';
import { whyNoSystemdHost } from './needs.ts';
import { createRoot, locate } from './root.ts';

/**
 * A host of a test's own: a real systemd as PID 1 of a container, on an overlay of this machine's root that lives in
 * memory. What is installed here is installed there, and none of it started; its only network is a loopback of its own.
 */
export interface SystemdHost extends AsyncDisposable {
  readonly name: string;
  /** Its root as seen from here, whether it is up or not. `path` is the safe way to a file in it. */
  readonly root: string;
  /** Its PID 1, as a pid out here. */
  readonly leader: number;
  exec(command: readonly string[], options?: ExecOptions): Promise<Result>;
  /** Starts what stays. `kill` of the child reaches the command itself. */
  spawn(command: readonly string[], options?: EnterOptions): ChildProcessWithoutNullStreams;
  /** What systemctl prints; an error with what it complains of where it fails. */
  systemctl(...args: readonly string[]): Promise<string>;
  /** The built command line, as root, on the desired state in /root/desired-state. */
  reconcile(...args: readonly string[]): Promise<Result>;
  /** Where a path of the host lies for us; links are followed within the host. */
  path(path: string): string;
  /** Writes a file, with the folders it needs. What is new belongs to whoever owns the folder that it is put in. */
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  exists(path: string): boolean;
  /** Makes a user, where there is none, whose `systemctl --user` manager runs without a login. Resolves to the uid when it does. */
  userManager(name: string): Promise<number>;
  /** A power failure: everything in it ends at once. Its files stay, but for /run and /tmp. */
  crash(): Promise<void>;
  /** Shuts it down as an operator would; resolves when it is off. */
  powerOff(): Promise<void>;
  /** Boots it again after either. (A `systemctl reboot` in it is not followed.) */
  boot(): Promise<void>;
}

/** Boots a host, in one to two seconds, after removing those that killed test processes have left. */
export async function systemdHost(): Promise<SystemdHost> {
  const why = whyNoSystemdHost();
  if (why !== undefined) throw new Error(`no host with systemd can be had here: ${why}`);
  await removeLeftovers();
  const name = newName();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => removeHost(name));
  const { root, log } = createRoot(name);
  const booted = await boot(name, root, log);
  return host({ name, root, log }, booted, cleanup.move());
}

function host(
  { name, root, log }: { readonly name: string; readonly root: string; readonly log: string },
  booted: Container,
  cleanup: AsyncDisposableStack,
): SystemdHost {
  let container: Container | undefined;
  const hold = (next: Container) => {
    container = next;
    next.ended.then(() => {
      container = undefined;
    });
  };
  hold(booted);
  const up = () => {
    if (container === undefined) throw new Error('the host is down');
    return container;
  };
  const crash = async () => {
    const { kill, ended } = up();
    kill();
    await ended;
  };
  cleanup.defer(() => (container === undefined ? undefined : crash()));
  const must = async (...command: readonly string[]) => {
    const { code, stdout, stderr } = await self.exec(command);
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  };

  const self: SystemdHost = {
    name,
    root,
    get leader() {
      return up().leader;
    },
    exec: async (command, options) => run(up(), command, options),
    spawn: (command, options) => enter(up(), command, options),
    systemctl: (...args) => must('systemctl', ...args),
    reconcile: (...args) =>
      self.exec([RECONCILE, ...args], { env: { RECONCILE_DESIRED_STATE: '/root/desired-state' }, timeout: 120_000 }),
    // What is mounted in the host, /run and /tmp, is seen only as its processes see it.
    path: (path) => locate(container === undefined ? root : `/proc/${container.leader}/root`, path),
    write: (path, text, mode = 0o644) => writeOwned(self.path(path), text, mode),
    read: (path) => readFileSync(self.path(path), 'utf8'),
    exists: (path) => existsSync(self.path(path)),
    userManager: async (user) => {
      if ((await self.exec(['id', user])).code !== 0)
        await must('useradd', '--create-home', '--shell', '/bin/sh', user);
      const uid = Number(await must('id', '--user', user));
      await must('loginctl', 'enable-linger', user);
      await must('systemctl', 'start', `user@${uid}.service`);
      return uid;
    },
    crash,
    powerOff: async () => {
      const { ended } = up();
      await must('systemctl', 'poweroff', '--no-block');
      await ended;
    },
    boot: async () => {
      if (container !== undefined) throw new Error('the host is up');
      hold(await boot(name, root, log));
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
  return self;
}

function writeOwned(file: string, text: string, mode: number): void {
  const isNew = !existsSync(file);
  const made = mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  if (!isNew) return;
  const parent = dirname(made ?? file);
  const { uid, gid } = statSync(parent);
  for (let path = file; path !== parent; path = dirname(path)) chownSync(path, uid, gid);
}
