import type { Config } from '../config.ts';
import { createPorts, parseInet } from '../graph/ports.ts';
import { createProcessTable } from '../graph/processes.ts';
import { readWhole, variableOf } from '../host/procfs.ts';
import type { Desired } from '../model.ts';
import { budgetsOf } from '../restarts/budgets.ts';
import type { WhoListens } from '../restarts/local-port.ts';
import { openRestarts, type Restarts, type RestartsEvent } from '../restarts/restarts.ts';
import { parseStamp, STAMP, stampId } from '../stamp.ts';

/** The book of restarts of a daemon, and who has whose port. */
export interface Counting extends Disposable {
  readonly restarts: Restarts;
  readonly whoListens: WhoListens;
  /** A run begins, for this: its budgets are in force, and a person may have closed the breaker. */
  see(desired: Desired): void;
}

export function countRestarts(
  { runtimeDir, stateDir }: Config,
  tell: (event: RestartsEvent) => void,
  nudge: (cause: string) => void,
): Counting {
  const restarts = openRestarts({
    runtimeDir,
    stateDir,
    onEvent: (event) => {
      tell(event);
      if (event.kind === 'breaker' && event.to !== 'open') nudge('the breaker lets changes through again');
    },
  });
  return {
    restarts,
    whoListens: createWhoListens(),
    see: (desired) => {
      restarts.look();
      restarts.budget(budgetsOf(desired), new Set(desired.services.map(({ id }) => id)));
    },
    [Symbol.dispose]: () => restarts[Symbol.dispose](),
  };
}

/** Looks at the processes of this host only where somebody listens there: that is dear, and many may ask at once. */
function createWhoListens(): WhoListens {
  const table = createProcessTable();
  return async (ports, owner, id) => {
    for (const { host, port } of ports) {
      if (!isListenedOn(port)) continue;
      const processes = table();
      const { pids, unseen } = createPorts(processes).holders(port);
      const pid = pids.find((one) => !isOwn(one, owner, id));
      if (pid !== undefined) return `${host}:${port} is in use by pid ${pid} ${nameOf(processes.get(pid)?.argv)}`;
      if (pids.length === 0 && unseen.length > 0) return `${host}:${port} is in use by a process of another user`;
    }
    return undefined;
  };
}

function isListenedOn(port: number): boolean {
  return ['tcp', 'tcp6'].some((table) =>
    parseInet('tcp', readWhole(`/proc/self/net/${table}`, true) ?? '').some(
      ([, socket]) => socket.kind === 'tcp' && socket.port === port,
    ),
  );
}

/** Its own processes, and what is left of earlier ones, bear its stamp. */
function isOwn(pid: number, owner: string, id: string): boolean {
  const stamp = parseStamp(variableOf(pid, STAMP) ?? '');
  return stamp !== undefined && stamp.owner === owner && stampId(stamp) === id;
}

function nameOf([file = '']: readonly string[] = []): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
