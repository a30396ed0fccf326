import { basename } from 'node:path';
import type { Json } from '../canonical.ts';
import { readCommand } from '../graph/command.ts';
import { managerOf, nameOfManager } from '../graph/managers.ts';
import type { Process, Processes } from '../graph/processes.ts';
import { shown } from '../graph/shown.ts';
import { isSupervisord } from '../graph/supervisords.ts';
import { beganAt } from '../host/procfs.ts';
import type { SupervisorName } from '../model.ts';
import { unreachable } from '../problem.ts';
import { SECRET_KEY } from '../secrets.ts';
import { BASE_PATH } from '../supervisors/shared/environment.ts';
import { findProgram, nameOfCommand } from './command-line.ts';
import type { Found, Loss, Origin } from './found.ts';
import { type Facts, factsOf } from './process-facts.ts';

export interface ProcessOptions {
  readonly supervisor: SupervisorName;
  readonly processes: Processes;
  /** These alone; absent: all that nothing manages. */
  readonly pids?: readonly number[];
}

/** Running processes that nothing manages: what somebody started by hand and left running. Reads only. */
export function importProcesses({ supervisor, processes, pids }: ProcessOptions): readonly Found[] {
  if (pids === undefined) {
    const roots = [...processes].filter((process) => isLeftRunning(process, processes));
    const all = rootsOnly(roots, processes).map((process) => foundOf(process, supervisor, processes));
    return onceEach(all);
  }
  return onceEach([...new Set(pids)].map((pid) => namedBy(pid, supervisor, processes)));
}

/** Processes are told by their arguments: one service stands for all that have the same. */
function onceEach(all: readonly Found[]): readonly Found[] {
  const byCommand = Map.groupBy(all, ({ kind, origin }) =>
    origin.kind === 'process' && kind === 'imported' ? JSON.stringify(origin.command) : origin,
  );
  return [...byCommand.values()].flatMap(([first, ...more]): readonly Found[] => {
    if (first?.kind !== 'imported' || more.length === 0) return first === undefined ? [] : [first];
    const pids = more.flatMap(({ origin }) => (origin.kind === 'process' ? [origin.pid] : []));
    const why =
      'more processes have the same arguments: this one service takes the place of all (`instances` runs several)';
    return [{ ...first, losses: [...first.losses, { key: 'pid', value: pids.join(', '), why }] }];
  });
}

/** A person means this one, whoever started it; but what a supervisor runs is its affair. */
function namedBy(pid: number, supervisor: SupervisorName, processes: Processes): Found {
  const process = processes.get(pid);
  if (process === undefined || process.argv.length === 0) {
    const what = process === undefined ? 'there is no such process' : 'it has no command line';
    return refused(pid, [], what, '`reconcile who NAME`, `ps` and `pgrep -a` tell what runs');
  }
  if (pid === 1) return refused(pid, process.argv, 'it is the first process of all', 'name another one');
  const manager = managerOf(process, processes);
  const no = (hint: string) => refused(pid, process.argv, `${nameOfManager(manager)} runs it`, hint);
  switch (manager.kind) {
    case 'systemd':
      return no(`reconcile import --units ${manager.unit}`);
    case 'supervisord':
      return no(`reconcile import --supervisord ${manager.config ?? 'CONFIG'}`);
    case 'builtin':
      return no('it is a service already: `reconcile status`');
    case 'container':
      return no('leave it to whoever runs that container');
    case 'cron':
    case 'session':
    case 'process':
    case 'unknown':
      return foundOf(process, supervisor, processes);
    default:
      return unreachable(manager);
  }
}

/** What sessions leave behind, and is no service of anybody's. */
const OF_SESSIONS = new Set(
  'ssh-agent gpg-agent dbus-daemon dbus-launch dbus-broker tmux screen sshd sshd-session login agetty (sd-pam) systemd sudo su at-spi-bus-launcher gvfsd pulseaudio pipewire scdaemon dirmngr'.split(
    ' ',
  ),
);

/** Whoever started it is gone, and nobody looks after it. */
function isLeftRunning(process: Process, processes: Processes): boolean {
  const { pid, ppid, argv, uid } = process;
  if (pid === 1 || argv.length === 0 || isSupervisord(argv) || isOurs(argv)) return false;
  const us = globalThis.process.getuid?.();
  if (us !== 0 && uid !== us) return false;
  const parent = processes.get(ppid);
  const orphan = ppid <= 1 || parent === undefined || basename(parent.argv[0] ?? '') === 'systemd';
  if (!orphan) return false;
  const program = basename((argv[0] ?? '').split(/[:\s]/, 1)[0] ?? '').replace(/^-/, '');
  if (OF_SESSIONS.has(program)) return false;
  const { kind } = managerOf(process, processes);
  return kind === 'unknown' || kind === 'session';
}

/** A daemon of ours, and this very command. */
function isOurs(argv: readonly string[]): boolean {
  const command = readCommand(argv);
  return command !== undefined && 'path' in command && /(^|\/)(reconcile|dist\/cli\.js)$/.test(command.path);
}

function rootsOnly(found: readonly Process[], processes: Processes): readonly Process[] {
  const pids = new Set(found.map(({ pid }) => pid));
  return found.filter(({ pid }) => !processes.ancestorsOf(pid).some((above) => pids.has(above.pid)));
}

function refused(pid: number, command: readonly string[], why: string, hint: string): Found {
  const problem = { code: 'cannot-import', summary: `cannot import process ${pid}: ${why}`, hint };
  return { kind: 'refused', origin: { kind: 'process', pid, command }, problem };
}

function foundOf(process: Process, supervisor: SupervisorName, processes: Processes): Found {
  const { pid, argv, cwd, user, uid } = process;
  const origin: Origin = { kind: 'process', pid, command: argv };
  const program = programOf(process);
  if (program === undefined) {
    const why = 'its arguments were written over since it was started, so nobody can tell how that was done';
    return refused(pid, argv, why, `see what it says of itself (${shown(argv)}), and write its service file by hand`);
  }
  if (cwd?.endsWith(' (deleted)')) {
    return refused(pid, argv, `the folder it runs in is gone: ${cwd}`, 'make the folder, or start it elsewhere');
  }
  const facts = factsOf(pid, user);
  const root = globalThis.process.getuid?.() === 0;
  const who = user ?? (uid === undefined ? undefined : String(uid));
  const entries = Object.entries(facts.environment ?? {});
  const environment = Object.fromEntries(entries.filter(([key]) => !SECRET_KEY.test(key)));
  const secrets = Object.fromEntries(entries.filter(([key]) => SECRET_KEY.test(key)));
  const logs = logsOf(facts);
  const service: Record<string, Json> = {
    supervisor,
    state: 'running',
    command: [program, ...argv.slice(1)],
    ...(cwd === undefined || cwd === '/' ? {} : { directory: cwd }),
    ...(root && who !== undefined && who !== 'root' ? { user: who } : {}),
    ...(facts.umask === undefined || facts.umask === '022' ? {} : { umask: facts.umask }),
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    ...(Object.keys(facts.limits).length === 0 ? {} : { limits: facts.limits as Json }),
    ...(logs === undefined ? {} : { logs }),
    supersedes: [{ process: [...argv], ...(root && who !== undefined ? { user: who } : {}) }],
  };
  const since = new Date(beganAt(process)).toISOString().slice(0, 16).replace('T', ' ');
  const comments = new Map([
    ['', `Started by hand (${nameOfManager(managerOf(process, processes))}), pid ${pid} since ${since} UTC.`],
    ...(entries.length === 0
      ? []
      : [['environment', 'What it has besides what every service has: look what of it is needed.'] as const]),
  ]);
  return { kind: 'imported', origin, name: nameOfCommand(argv), service, comments, secrets, losses: lossesOf(facts) };
}

/** What to run again for the same; undefined where the arguments are not what it was started with. */
function programOf({ argv, exe }: Process): string | undefined {
  const [first = ''] = argv;
  const there = exe?.replace(/ \(deleted\)$/, '');
  // `nginx: master process ...`: one text, and it is no path.
  if (/[\s:]/.test(first) && !first.startsWith('/')) return undefined;
  if (first.startsWith('/')) return first;
  const name = first.replace(/^-/, '');
  if (there !== undefined && basename(there) === basename(name)) return there;
  // By a link, as `python3` is: where that leads to the same program.
  if (!name.includes('/')) return findProgram(name, BASE_PATH) ?? there ?? name;
  return name.startsWith('./') || name.startsWith('../') ? name : `./${name}`;
}

function logsOf({ stdout, stderr }: Facts): Json | undefined {
  const logs = {
    ...(isFile(stdout) ? { stdout } : {}),
    ...(isFile(stderr) ? { stderr } : {}),
  };
  return Object.keys(logs).length === 0 ? undefined : logs;
}

function isFile(path: string | undefined): path is string {
  return path?.startsWith('/') === true && !path.startsWith('/dev/') && !path.endsWith(' (deleted)');
}

function lossesOf({ environment, stdout, stderr }: Facts): readonly Loss[] {
  const lost: Loss[] = [];
  if (environment === undefined) lost.push({ key: 'environment', why: 'we may not read it: run this as root' });
  for (const [key, path] of [
    ['stdout', stdout],
    ['stderr', stderr],
  ] as const) {
    // To a log in place of a terminal or nothing is no loss; another program may have read a pipe.
    if (path?.startsWith('pipe:') || path?.startsWith('socket:'))
      lost.push({ key, value: path, why: 'it is joined to another process, which nothing starts with it' });
    if (path?.endsWith(' (deleted)'))
      lost.push({ key, value: path, why: 'it writes to a file that is gone: its output goes to its log instead' });
  }
  return lost;
}
