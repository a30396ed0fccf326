import { existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createPorts, type Ports } from '../graph/ports.ts';
import type { Processes } from '../graph/processes.ts';
import { shown } from '../graph/shown.ts';
import { descendantsOf } from '../host/procfs.ts';
import type { Handover, Service, Step } from '../model.ts';
import type { Problem } from '../problem.ts';

/** Bytes. With less room for its logs a service can't be said to work. */
const ROOM = 1_000_000;

/**
 * What would make a handover fail that can be seen before anything is stopped, besides what stands in the way of any start:
 * a port that a stranger holds, a full disk under its logs. Reads only.
 */
export function preflight(
  { action, handover, target }: Step,
  processes: Processes,
  logDir: string,
): Problem | undefined {
  if (action !== 'handover' || handover === undefined || target === undefined) return undefined;
  if (!handover.starts || handover.runs) return undefined;
  return portTaken(target.service, handover, processes) ?? noRoom(target.service, logDir);
}

function portTaken(service: Service, handover: Handover, processes: Processes): Problem | undefined {
  const ports = createPorts(processes);
  const olds = new Set(handover.from.flatMap(pidsOf));
  for (const port of new Set([...probed(service), ...listened(olds, ports)])) {
    const stranger = ports.holders(port).pids.find((pid) => !olds.has(pid));
    if (stranger === undefined) continue;
    const who = shown(processes.get(stranger)?.argv ?? []);
    return {
      code: 'cannot-start',
      summary: `cannot start ${service.id}: port ${port} is held by pid ${stranger} (${who}), which is none of what it takes the place of`,
      file: service.file,
      hint: `look at it: reconcile who :${port}; end it, or name it in \`supersedes\``,
    };
  }
  return undefined;
}

function pidsOf(old: Handover['from'][number]): number[] {
  if (old.kind === 'thing') return old.state.processes.map(({ pid }) => pid);
  const { run } = old;
  return 'pid' in run ? [run.pid, ...descendantsOf(run.pid).map(({ pid }) => pid)] : [];
}

function listened(pids: ReadonlySet<number>, ports: Ports): number[] {
  return [...pids].flatMap((pid) =>
    (ports.of(pid) ?? []).flatMap((socket) => (socket.kind === 'tcp' ? [socket.port] : [])),
  );
}

const LOCAL = /^(localhost|127\.[0-9.]+|\[::1\]|0\.0\.0\.0)$/;

/** The ports of this host that it is to answer on, by its own probes. */
function probed({ written: { health = [] } }: Service): number[] {
  return health.flatMap(({ http, tcp, about }) => {
    const text =
      about === 'dependency' ? undefined : (http?.url ?? (tcp === undefined ? undefined : `tcp://${tcp.address}`));
    if (text === undefined || !URL.canParse(text)) return [];
    const { hostname, port, protocol } = new URL(text);
    const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
    return LOCAL.test(hostname) ? [number] : [];
  });
}

function noRoom({ id, file, written }: Service, logDir: string): Problem | undefined {
  const { directory = '/', logs = {} } = written;
  const files = [logs.stdout, logs.stderr].flatMap((path) => (path === undefined ? [] : [resolve(directory, path)]));
  for (const path of [...files, `${logDir}/${id}`].filter((path) => path !== '/dev/null')) {
    const folder = existing(dirname(path));
    const { bavail, bsize } = statfsSync(folder);
    // Where there are no blocks to count (/proc, /dev/pts), nothing fills up.
    if (bsize > 0 && bavail * bsize < ROOM && statfsSync(folder).blocks > 0) {
      return {
        code: 'cannot-start',
        summary: `cannot start ${id}: the disk of ${folder}, where it logs, is full: ${bavail * bsize} bytes left`,
        file,
        field: 'logs',
        hint: 'make room there first',
      };
    }
  }
  return undefined;
}

function existing(folder: string): string {
  return existsSync(folder) || folder === '/' ? folder : existing(dirname(folder));
}
