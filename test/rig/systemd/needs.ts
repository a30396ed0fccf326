import { existsSync, globSync, readFileSync } from 'node:fs';

/** Where commands are looked for, outside and in a host: what a login as root has. */
export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const CAP_SYS_ADMIN = 21n;

/** What a test host is made of, and the Debian package that has it. */
const COMMANDS: Readonly<Record<string, string>> = {
  'systemd-nspawn': 'systemd-container',
  'dbus-daemon': 'dbus',
  loginctl: 'systemd',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  useradd: 'passwd',
};
const FILES: Readonly<Record<string, string>> = {
  '/usr/lib*/{*/,}security/pam_systemd.so': 'libpam-systemd',
  '/usr/lib/systemd/user/dbus.socket': 'dbus-user-session',
};

/** Why no host with a systemd of its own can be had here, a line a reason; undefined where it can. */
export function whyNoSystemdHost(): string | undefined {
  const reasons: string[] = [];
  if (process.getuid?.() !== 0) reasons.push('not root');
  else if (!mayMount()) reasons.push('root without the right to mount, as in an unprivileged container');
  for (const [command, debian] of Object.entries(COMMANDS)) {
    if (!onPath(command)) reasons.push(`no ${command} (on Debian: apt-get install ${debian})`);
  }
  for (const [pattern, debian] of Object.entries(FILES)) {
    if (globSync(pattern).length === 0) reasons.push(`no ${pattern} (on Debian: apt-get install ${debian})`);
  }
  return reasons.length === 0 ? undefined : reasons.join('\n');
}

function mayMount(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}

function onPath(command: string): boolean {
  return PATH.split(':').some((folder) => existsSync(`${folder}/${command}`));
}
