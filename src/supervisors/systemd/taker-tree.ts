import { existsSync, readdirSync } from 'node:fs';
import { childPidsOf, dead, lives, type ProcessRef, type ProcessStat, readWhole, statOf } from '../../host/procfs.ts';

/** Where control groups are mounted: the unified hierarchy, or systemd's own beside those of the controllers. */
const MOUNTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'];

/** The folder of a control group, by systemd's `ControlGroup`; undefined where there is none. */
export function groupFolder(controlGroup: string): string | undefined {
  if (controlGroup === '' || controlGroup === '/') return undefined;
  return MOUNTS.map((mount) => `${mount}${controlGroup}`).find((folder) => existsSync(`${folder}/cgroup.procs`));
}

/** The living processes of a group and of those within it. One that is gone has none. */
export function processesIn(folder: string | undefined): readonly ProcessStat[] {
  return folder === undefined ? [] : pidsIn(folder).flatMap(livingStat);
}

function livingStat(pid: number): readonly ProcessStat[] {
  const stat = statOf(pid);
  return stat === undefined || dead(stat) ? [] : [stat];
}

function pidsIn(folder: string): readonly number[] {
  const own = readWhole(`${folder}/cgroup.procs`, true)?.split('\n') ?? [];
  // What is in another namespace of pids is 0.
  const pids = own.map(Number).filter((pid) => pid > 1);
  return [...pids, ...foldersIn(folder).flatMap(pidsIn)];
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [`${folder}/${entry.name}`] : [],
    );
  } catch {
    return [];
  }
}

/** ms between two looks for who has gone elsewhere, which cost more than one into a group. */
const WALK = 50;

/**
 * The processes of a unit while it is being stopped: those of its control group and all that descend from them, wherever
 * they have gone.
 */
export class Tree {
  readonly #folder: string | undefined;
  /** All that were seen, by pid: a pid that is another's since is another. */
  readonly #known = new Map<number, ProcessRef>();
  #walked = Number.NEGATIVE_INFINITY;

  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** Who lives now. `stopping`: what the manager runs to that end, such as `ExecStop=`, is not counted. */
  living(stopping: boolean): readonly ProcessRef[] {
    for (const stat of processesIn(this.#folder)) if (!stopping || !isCommand(stat)) this.#add(stat);
    const living = [...this.#known.values()].filter(lives);
    const now = performance.now();
    if (now - this.#walked < WALK) return living;
    this.#walked = now;
    for (const { pid } of living) {
      for (const child of childPidsOf(pid).flatMap(livingStat)) if (this.#add(child)) living.push(child);
    }
    return living;
  }

  /** True for one that was not known. */
  #add({ pid, start }: ProcessRef): boolean {
    if (this.#known.get(pid)?.start === start) return false;
    this.#known.set(pid, { pid, start });
    return true;
  }
}

/**
 * Begun by the manager itself, which has each command of a unit be the head of a session of its own: it is that, or is about
 * to be and still in the manager's.
 */
function isCommand({ pid, ppid, session }: ProcessStat): boolean {
  // That of PID 1 is 0 where it lies outside of the host, as in a container.
  if (ppid === 1) return session === pid || session <= 1;
  const isManager = /\/systemd\0--user/.test(readWhole(`/proc/${ppid}/cmdline`) ?? '');
  return isManager && (session === pid || session === statOf(ppid)?.session);
}

/** Sends a signal to those that are still who they were; to nobody else. */
export function signalAll(processes: readonly ProcessRef[], signal: NodeJS.Signals): void {
  for (const process of processes) {
    if (!lives(process)) continue;
    try {
      globalThis.process.kill(process.pid, signal);
    } catch {
      // It is gone, or another user's: who is left is seen by who lives.
    }
  }
}
