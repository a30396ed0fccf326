import { spawn } from 'node:child_process';
import { type Problem, why } from '../problem.ts';

/** What systemd has told this process by its environment. */
export interface Manager {
  readonly socket: string;
  /** ms within which it wants a sign of life; absent: it does not ask for any. */
  readonly watchdog: number | undefined;
}

/** What speaks of this process alone: children that inherit it would speak in its name, or believe to be it. */
const OWN = [
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'INVOCATION_ID',
  'JOURNAL_STREAM',
  'SYSTEMD_EXEC_PID',
  'MAINPID',
  'MANAGERPID',
  'CREDENTIALS_DIRECTORY',
  'MEMORY_PRESSURE_WATCH',
  'MEMORY_PRESSURE_WRITE',
];

/** Takes what the environment says of it, so that nothing that is started from here has it. */
export function takeManager(environment: NodeJS.ProcessEnv, pid: number): Manager | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: limit, WATCHDOG_PID: watched } = environment;
  for (const name of OWN) delete environment[name];
  if (socket === undefined || socket === '') return undefined;
  const ms = Number(limit) / 1000;
  const ours = watched === undefined || watched === String(pid);
  return { socket, watchdog: ours && ms > 0 ? ms : undefined };
}

export interface Notifier {
  /** The service is up. */
  ready(): void;
  /** It reads anew what it was told; `ready` ends that. */
  reloading(): void;
  /** One line of how it is. */
  status(text: string): void;
  /** It is about to end. Resolves when that is said. */
  stopping(text: string): Promise<void>;
  close(): void;
}

/**
 * Tells systemd how we are, and as often as it wants that we are alive, while `alive` says so. Node has no datagram
 * sockets: the `systemd-notify` program sends it, so the unit needs NotifyAccess=all. Trouble is told once.
 */
export function openNotifier(manager: Manager, alive: () => boolean, tell: (problem: Problem) => void): Notifier {
  let told = false;
  let status: string | undefined;
  let last: Promise<void> = Promise.resolve();
  let waiting: string[] = [];
  const failed = (because: string) => {
    if (told) return;
    told = true;
    const summary = `cannot tell systemd how the daemon is: ${because}`;
    tell({
      code: 'not-notified',
      summary,
      hint: 'it needs the systemd-notify program, and NotifyAccess=all in its unit',
    });
  };
  /** In order, one program at a time; what comes meanwhile goes with the next one. */
  const say = (...lines: readonly string[]): Promise<void> => {
    if (waiting.length === 0) last = last.then(() => send(manager, waiting.splice(0), failed));
    waiting = [...waiting, ...lines];
    return last;
  };
  const sign = () => {
    if (alive()) void say('WATCHDOG=1');
  };
  const timer = manager.watchdog === undefined ? undefined : setInterval(sign, Math.max(100, manager.watchdog / 2));
  return {
    ready: () => void say('READY=1', ...(status === undefined ? [] : [`STATUS=${status}`])),
    reloading: () => void say('RELOADING=1'),
    status: (text) => {
      if (text === status) return;
      status = text;
      void say(`STATUS=${text}`);
    },
    stopping: (text) => say('STOPPING=1', `STATUS=${text}`),
    close: () => clearInterval(timer),
  };
}

function send({ socket }: Manager, lines: readonly string[], failed: (because: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let said = '';
    const { PATH } = process.env;
    const env = { NOTIFY_SOCKET: socket, ...(PATH === undefined ? {} : { PATH }) };
    const child = spawn('systemd-notify', [...lines], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    child.once('error', (error) => {
      failed(why(error));
      resolve();
    });
    child.once('close', (code) => {
      if (code !== 0 && said.trim() !== '') failed(said.trim());
      resolve();
    });
  });
}
