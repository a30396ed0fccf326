import { Failure } from '../../problem.ts';
import { type Bus, DBUS, DBUS_PATH, openBus } from '../shared/bus.ts';
import { busSocket } from '../shared/bus-address.ts';
import { isAnswered } from '../shared/bus-error.ts';
import { installedVersion } from '../shared/systemd-version.ts';
import { SLICE, scopeName } from './scope-name.ts';

/** How a scope is ended where systemd does it, which is when the host shuts down. */
export interface Ending {
  /** The number of the signal. */
  readonly signal: number;
  /** ms from it to SIGKILL. */
  readonly timeout: number;
}

export interface ScopeMaker {
  /** The hard limit of open files that systemd gives to services, where it told. */
  readonly openFiles: number | undefined;
  /** The bus is still there. */
  alive(): boolean;
  /** Resolves when the process is in its scope. Throws what systemd says. */
  make(id: string, pid: number, ending: Ending): Promise<void>;
  close(): void;
}

const SYSTEMD = 'org.freedesktop.systemd1';
const PATH = '/org/freedesktop/systemd1';
const MANAGER = `${SYSTEMD}.Manager`;
const JOBS = `type='signal',sender='${SYSTEMD}',path='${PATH}',interface='${MANAGER}',member='JobRemoved'`;
/** From this version on a scope can say what becomes of it when one of its processes is out of memory. */
const SCOPES_SURVIVE = 253;
/** What is above means no limit; what is below is less than the soft limit that services get anyway. */
const LARGEST = 2 ** 31;
const LEAST = 1024;

/** Connects to the host's systemd. Throws what the bus says. */
export async function openScopeMaker(): Promise<ScopeMaker> {
  const socket = busSocket('system');
  if (typeof socket !== 'string') throw new Failure(socket);
  const ends = new Map<string, (result: string) => void>();
  /** A job's end may be heard before the answer that names the job. */
  const early = new Map<string, string>();
  let asked = 0;
  let lost: (error: Error) => void = () => undefined;
  const gone = new Promise<never>((_, reject) => {
    lost = reject;
  });
  gone.catch(() => undefined);
  let open = true;
  const bus = await openBus(socket, {
    signal: ({ member, body }) => {
      if (member !== 'JobRemoved') return;
      const [, path, , result] = body as readonly [number, string, string, string];
      const end = ends.get(path);
      if (end !== undefined) end(result);
      else if (asked > 0) early.set(path, result);
    },
    closed: () => {
      open = false;
      lost(new Error('the bus went away'));
    },
  });
  try {
    const bare = { destination: DBUS, path: DBUS_PATH, interface: DBUS };
    await bus.call({ ...bare, member: 'Hello' });
    await bus.call({ ...bare, member: 'AddMatch', signature: 's', body: [JOBS] });
  } catch (error) {
    bus.close();
    throw error;
  }
  const policy = installedVersion() >= SCOPES_SURVIVE ? [['OOMPolicy', ['s', 'continue']]] : [];
  const start = async (unit: string, pid: number, { signal, timeout }: Ending): Promise<string> => {
    const properties = [
      ['PIDs', ['au', [pid]]],
      ['Slice', ['s', SLICE]],
      ['Description', ['s', `reconciled: ${unit.slice('reconciled-'.length, -'.scope'.length)}`]],
      ['CollectMode', ['s', 'inactive-or-failed']],
      // What ends the host ends the daemon first: it is not to start again what systemd stops.
      ['Before', ['as', ['reconciled.service']]],
      ['KillSignal', ['i', signal]],
      ['TimeoutStopUSec', ['t', timeout * 1000]],
      ...policy,
    ];
    const [job] = await bus.call({
      destination: SYSTEMD,
      path: PATH,
      interface: MANAGER,
      member: 'StartTransientUnit',
      signature: 'ssa(sv)a(sa(sv))',
      body: [unit, 'fail', properties, []],
    });
    return String(job);
  };
  const openFiles = await hardOpenFiles(bus);
  return {
    openFiles,
    alive: () => open,
    make: async (id, pid, ending) => {
      asked++;
      let job: string;
      let result: string | undefined;
      try {
        job = await start(scopeName(id), pid, ending).catch((error: unknown) => {
          if (!isAnswered(error, `${SYSTEMD}.UnitExists`)) throw error;
          return start(scopeName(id, pid), pid, ending);
        });
        result = early.get(job);
      } finally {
        asked--;
        if (asked === 0) early.clear();
      }
      try {
        result ??= await Promise.race([new Promise<string>((resolve) => ends.set(job, resolve)), gone]);
      } finally {
        ends.delete(job);
      }
      if (result !== 'done') throw new Error(`systemd did not make the scope (${result})`);
    },
    close: () => bus.close(),
  };
}

/** What the daemon's own unit may have is not what services are to have. */
async function hardOpenFiles(bus: Bus): Promise<number | undefined> {
  const [value] = await bus.call({
    destination: SYSTEMD,
    path: PATH,
    interface: 'org.freedesktop.DBus.Properties',
    member: 'Get',
    signature: 'ss',
    body: [MANAGER, 'DefaultLimitNOFILE'],
  });
  const limit = Number(value);
  return Number.isInteger(limit) && limit >= LEAST && limit < LARGEST ? limit : undefined;
}
