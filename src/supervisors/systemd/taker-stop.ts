import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRef } from '../../host/procfs.ts';
import type { Problem } from '../../problem.ts';
import type { Ending } from '../taker.ts';
import type { JobEnd } from './manager.ts';
import type { Observer } from './sight.ts';
import { groupFolder, signalAll, Tree } from './taker-tree.ts';

/** A proven end; `killed` are those that had to be, as their time was over. */
export type UnitEnding =
  | { readonly kind: 'gone'; readonly at?: number; readonly killed?: readonly ProcessRef[] }
  | Extract<Ending, { kind: 'failed' }>;

/** ms between two looks: a gap is measured from when the last process was found gone. */
const LOOK = 2;

/** ms that the kernel has to end what was killed, and systemd to notice. */
const KILLED = 5000;

/**
 * Has systemd stop a unit, and proves that nothing of it is left: neither in its control group nor of what descends from
 * it. What is left once systemd is done (`KillMode=process`, or gone elsewhere) is asked to end as well. Throws what
 * systemd says.
 */
export async function stopTree(o: Observer, unit: string, timeout: number, signal: AbortSignal): Promise<UnitEnding> {
  const { manager } = o;
  const begun = performance.now();
  const tree = new Tree(groupFolder(await manager.property(unit, 'ControlGroup')));
  // The last time that one was seen: what is measured from it is never too short.
  let goneAt = tree.living(false).length > 0 ? begun : undefined;
  const job: { end?: JobEnd; failure?: unknown } = {};
  manager.stop(unit, signal).then(
    (end) => Object.assign(job, { end }),
    (failure: unknown) => Object.assign(job, { failure }),
  );
  const killed = new Map<number, ProcessRef>();
  let asked = false;
  for (;;) {
    if (job.failure !== undefined) throw job.failure;
    const now = performance.now();
    const late = now - begun - timeout;
    const over = job.end !== undefined;
    // What systemd runs to stop it has had its time as well.
    const living = tree.living(!over && late < 0);
    if (living.length > 0) {
      goneAt = now;
    }
    if (over && living.length === 0) break;
    if (job.end === 'interrupted' || signal.aborted) return failed(interrupted(unit, living));
    if (late >= KILLED) return failed(undying(unit, living));
    if (late >= 0) {
      for (const one of living) killed.set(one.pid, one);
      signalAll(living, 'SIGKILL');
    } else if (over && !asked) {
      asked = true;
      signalAll(living, 'SIGTERM');
    }
    await sleep(LOOK);
  }
  const active = await manager.property(unit, 'ActiveState');
  // Killed after its time is stopped all the same; nobody is to take that for a failure of its own.
  if (active === 'failed') await manager.resetFailed(unit);
  else if (active !== 'inactive') return failed(cameBack(unit, active, job.end));
  const late = new Tree(groupFolder(await manager.property(unit, 'ControlGroup'))).living(false);
  if (late.length > 0) return failed(undying(unit, late));
  return {
    kind: 'gone',
    ...(goneAt === undefined ? {} : { at: goneAt }),
    ...(killed.size === 0 ? {} : { killed: [...killed.values()] }),
  };
}

function failed(problem: Problem): UnitEnding {
  return { kind: 'failed', problem };
}

function interrupted(unit: string, living: readonly ProcessRef[]): Problem {
  const left = living.length === 0 ? '' : `; ${pidsOf(living)} still there`;
  return { code: 'interrupted', summary: `cannot stop ${unit}: interrupted; systemd goes on with it${left}` };
}

function undying(unit: string, living: readonly ProcessRef[]): Problem {
  if (living.length === 0) {
    const hint = '`systemctl list-jobs` shows what its stop waits for';
    return { code: 'not-gone', summary: `cannot stop ${unit}: its processes are gone, but systemd is not done`, hint };
  }
  return {
    code: 'not-gone',
    summary: `cannot stop ${unit}: ${pidsOf(living)} still there`,
    hint: `look at them (\`ps -o pid,stat,wchan:20,args -p ${living.map(({ pid }) => pid).join(',')}\`): what waits for a disk or a mount can't be killed`,
  };
}

function cameBack(unit: string, active: string, end: JobEnd | undefined): Problem {
  return {
    code: 'came-back',
    summary: `cannot stop ${unit}: ${WHY[end ?? 'done'] ?? `its job ended as '${end}'`}; it is ${active}`,
    hint: `\`reconcile who --restarts ${unit}\` tells who does so`,
  };
}

const WHY: Partial<Record<JobEnd, string>> = {
  done: 'it was started again',
  canceled: 'somebody else asked systemd for something else meanwhile',
};

function pidsOf(processes: readonly ProcessRef[]): string {
  const pids = processes.map(({ pid }) => pid);
  return `${pids.length === 1 ? 'process' : 'processes'} ${pids.join(', ')}`;
}
