import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { connectable } from './connectable.ts';
import { makeKey, type SshKey } from './keys.ts';

const SSHD = '/usr/sbin/sshd';

/** A real sshd on loopback, with a host key and one client of its own, that serves the repositories of this host. */
export interface Sshd extends AsyncDisposable {
  readonly port: number;
  /** The key that may log in. */
  readonly client: SshKey;
  /** A known_hosts file that is right about it. */
  readonly knownHosts: string;
  url(repository: string): string;
  stop(): Promise<void>;
  /** On the same port, with the same host key or, as after a reinstallation or by an impostor, another one. */
  start(hostKey?: 'same' | 'another'): Promise<void>;
}

export async function startSshd(): Promise<Sshd> {
  if (!existsSync(SSHD)) throw new Error('no sshd: install openssh-server');
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-sshd-'));
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const port = await freePort();
  const host = makeKey(join(folder, 'host'));
  const other = makeKey(join(folder, 'other'));
  const client = makeKey(join(folder, 'client'));
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${host.line}\n`);
  writeFileSync(join(folder, 'authorized'), `${client.line}\n`, { mode: 0o600 });
  let child: ChildProcess | undefined;
  const self: Sshd = {
    port,
    client,
    knownHosts,
    url: (repository) => `ssh://${userInfo().username}@127.0.0.1:${port}${repository}`,
    start: async (hostKey = 'same') => {
      const config = join(folder, 'config');
      writeFileSync(config, configText(port, hostKey === 'same' ? host.file : other.file, join(folder, 'authorized')));
      // In a group of its own: with it end those that serve somebody.
      child = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
      });
      await Promise.race([
        connectable(port),
        once(child, 'exit').then(() => {
          throw new Error(`sshd ended: ${said}`);
        }),
      ]);
    },
    stop: async () => {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
    [Symbol.asyncDispose]: async () => {
      await self.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await self.start();
  return self;
}

function configText(port: number, hostKey: string, authorized: string): string {
  return `ListenAddress 127.0.0.1:${port}
HostKey ${hostKey}
AuthorizedKeysFile ${authorized}
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
LogLevel ERROR
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
