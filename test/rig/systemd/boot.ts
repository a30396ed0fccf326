import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf } from '../../../src/host/procfs.ts';
import { createCommandGroups, createGroups, inGroups, removeGroups } from './cgroups.ts';
import { kill, run, type Up } from './enter.ts';
import { PATH } from './needs.ts';
import { HOSTNAME } from './root.ts';

const REPOSITORY = realpathSync(new URL('../../..', import.meta.url));
const SECONDS = 60;

export interface Container extends Up {
  /** Resolves when nothing of it runs any more, whoever ended it. */
  readonly ended: Promise<void>;
  /** Ends it at once, as a power failure would. */
  kill(): void;
}

/**
 * Before it becomes systemd, PID 1 makes the v1 controllers writable, which nspawn mounts read-only: else systemd takes
 * them for missing, and MemoryMax= and the like are ignored without a word.
 */
const INIT = `
for controller in /sys/fs/cgroup/*/; do mount -o remount,bind,rw "$controller" 2>/dev/null; done
unset LANG PWD OLDPWD
for systemd in /usr/lib/systemd/systemd /lib/systemd/systemd; do [ -x $systemd ] && exec $systemd systemd.unit=multi-user.target; done
`;

/** Boots a host on a root that createRoot has made. Resolves when its systemd has done all that a boot does. */
export async function boot(name: string, root: string, log: string): Promise<Container> {
  await removeGroups(name);
  const [file, ...args] = inGroups(createGroups(name), nspawn(name, root));
  const output = openSync(log, 'a');
  const child = spawn(file, args, { env: { PATH }, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  let over = false;
  const ended = once(child, 'close').then(() => {
    over = true;
  });
  try {
    const leader = await leaderOf(child.pid ?? 0, () => over);
    const up = { leader, groups: createCommandGroups(leader) };
    await run(up, ['systemctl', 'is-system-running', '--wait'], { timeout: SECONDS * 1000 });
    return { ...up, ended, kill: () => (over ? undefined : kill(leader)) };
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw new Error(`the host didn't boot: ${(error as Error).message}\n${readFileSync(log, 'utf8')}`);
  }
}

/**
 * The kernel itself ends the host when this process ends, however it does: nspawn is PID 1 of a namespace that ends with
 * unshare, which ends with us. (A leader doesn't end with its nspawn otherwise.)
 */
function nspawn(name: string, root: string): string[] {
  return [
    ...['setpriv', '--pdeathsig', 'KILL', '--'],
    ...['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'slave', '--'],
    ...[
      'systemd-nspawn',
      '--quiet',
      '--settings=no',
      `--directory=${root}`,
      `--machine=${name}`,
      `--hostname=${HOSTNAME}`,
    ],
    // Nothing of this machine's own systemd, journal or network, which may not even be there.
    ...[
      '--register=no',
      '--keep-unit',
      '--link-journal=no',
      '--resolv-conf=off',
      '--timezone=off',
      '--private-network',
    ],
    // What root of a real host may do, but for what would reach the machine.
    ...['--capability=all', '--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE', '--system-call-filter=@keyring bpf'],
    // The project may lie on another file system than `/`, or where a host has its own: /tmp, /run.
    ...binds().map((path) => `--bind-ro=${path.replace(/[\\:]/g, '\\$&')}`),
    ...['--console=pipe', '--', '/bin/sh', '-c', INIT],
  ];
}

function binds(): string[] {
  const modules = realpathSync(`${REPOSITORY}/node_modules`);
  return modules.startsWith(`${REPOSITORY}/`) ? [REPOSITORY] : [REPOSITORY, modules];
}

/** Waits for the host's PID 1 to be a systemd that answers. */
async function leaderOf(unshare: number, over: () => boolean): Promise<number> {
  const end = Date.now() + SECONDS * 1000;
  const depth = pidsOf(unshare).length;
  for (;;) {
    for (const { pid } of descendantsOf(unshare)) {
      const pids = pidsOf(pid);
      if (pids.length === depth + 2 && pids.at(-1) === '1' && existsSync(`/proc/${pid}/root/run/systemd/private`))
        return pid;
    }
    if (over()) throw new Error('systemd-nspawn has ended');
    if (Date.now() > end) throw new Error(`systemd doesn't answer after ${SECONDS} s`);
    await sleep(10);
  }
}

/** The pids of a process in each namespace, from ours to its own. */
function pidsOf(pid: number): string[] {
  try {
    return /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/) ?? [];
  } catch {
    return [];
  }
}
