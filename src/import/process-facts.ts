import { homeOf } from '../graph/accounts.ts';
import { linkOf, readWhole } from '../host/procfs.ts';
import { BASE_PATH } from '../supervisors/shared/environment.ts';

/** What a process was started with, as far as we may look. */
export interface Facts {
  /** Undefined where we may not look. */
  readonly environment: Readonly<Record<string, string>> | undefined;
  readonly umask: string | undefined;
  /** Soft limits that are no default of this host, by their name in a service file. */
  readonly limits: Readonly<Record<string, string | number>>;
  readonly stdout: string | undefined;
  readonly stderr: string | undefined;
}

export function factsOf(pid: number, user: string | undefined): Facts {
  const umask = /^Umask:\s*(\d+)/m.exec(readWhole(`/proc/${pid}/status`) ?? '')?.[1];
  return {
    environment: environmentOf(pid, user),
    umask: umask === undefined ? undefined : umask.padStart(4, '0').slice(-3),
    limits: limitsOf(pid),
    stdout: linkOf(pid, 'fd/1'),
    stderr: linkOf(pid, 'fd/2'),
  };
}

/** What a login, a terminal or a shell sets, and no program was meant to have. */
const OF_LOGINS =
  /^(HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|SHLVL|_|TERM|TERMINFO|COLORTERM|COLUMNS|LINES|MAIL|HISTFILE|LS_COLORS|LESS.*|EDITOR|VISUAL|PAGER|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|HOSTNAME|SSH_.*|SUDO_.*|XDG_.*|DBUS_.*|TMUX.*|STY|WINDOW|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_.*|NOTIFY_SOCKET|LISTEN_.*|WATCHDOG_.*|RECONCILED_.*|container.*|PS1|PS2|MEMORY_PRESSURE_.*|DEBIAN_FRONTEND|PROMPT_COMMAND|MOTD_SHOWN)$/;

function environmentOf(pid: number, user: string | undefined): Facts['environment'] {
  const text = readWhole(`/proc/${pid}/environ`, true);
  if (text === undefined) return undefined;
  const all = Buffer.from(text, 'latin1').toString('utf8').split('\0');
  const home = user === undefined ? undefined : homeOf(user);
  const kept = all.flatMap((entry): (readonly [string, string])[] => {
    const [, key = '', value = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(entry) ?? [];
    if (key === '') return [];
    // Its home is its user's, where nobody said otherwise.
    if (key === 'HOME') return home === undefined || value === home ? [] : [[key, value]];
    if (OF_LOGINS.test(key)) return [];
    if (key === 'PATH' && isUsual(value)) return [];
    return (key === 'LANG' || key === 'LANGUAGE') && /^(C|C\.UTF-8|POSIX)?$/.test(value) ? [] : [[key, value]];
  });
  return Object.fromEntries(kept);
}

/** Has it nothing that a service does not have anyhow? */
function isUsual(path: string): boolean {
  const usual = new Set([...BASE_PATH.split(':'), '/usr/games', '/usr/local/games', '/snap/bin']);
  return path.split(':').every((folder) => usual.has(folder));
}

/** Where they stand in /proc/PID/limits, and whether that is a size there or a count. */
const LIMITS = [
  ['addressSpace', 'Max address space', 'size'],
  ['openFiles', 'Max open files', 'count'],
  ['core', 'Max core file size', 'size'],
  ['fileSize', 'Max file size', 'size'],
] as const;

/** As others of this host have them who were given none: the first process of all, and what everybody begins with. */
function limitsOf(pid: number): Facts['limits'] {
  const [theirs, usual] = [readWhole(`/proc/${pid}/limits`) ?? '', readWhole('/proc/1/limits') ?? ''];
  return Object.fromEntries(
    LIMITS.flatMap(([field, name, kind]): (readonly [string, string | number])[] => {
      const soft = softOf(theirs, name);
      // "unlimited" has no word there, and is what everything has that is given no limit.
      if (soft === undefined || soft === softOf(usual, name) || !Number.isSafeInteger(soft)) return [];
      if (field === 'openFiles' && (soft === 1024 || soft < 3)) return [];
      if (field === 'core' && soft === 0) return [];
      return [[field, kind === 'size' ? `${soft}B` : soft]];
    }),
  );
}

function softOf(limits: string, name: string): number | undefined {
  const [, soft] = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits) ?? [];
  return soft === undefined ? undefined : soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
