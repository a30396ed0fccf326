import { dirname } from 'node:path';
import { digest } from './canonical.ts';
import type { ServiceFile } from './desired/generated/service.ts';
import { guarded } from './guard.ts';
import { type Instance, type OwnedInstance, serviceOfInstance } from './instance.ts';
import type { Desired, HostFolder, Service } from './model.ts';
import { mainConfig } from './supervisors/supervisord/main-config.ts';
import { quoteArgument } from './supervisors/systemd/escape.ts';
import { formatDuration, parseDuration } from './units.ts';

/** How long (ms) a supervisord has to end with all its programs, where none of them is given more. */
const PATIENCE = 120_000;
/** What it needs itself (ms) besides its slowest program. */
const OWN_TIME = 10_000;

/**
 * A desired state with the services that run its instances, as any other: each instance of ours is one, and its programs
 * are after it. Those that are `leaving` are to be absent. `runtime` is the folder of what lives until the next boot. Pure; the same services give the same objects.
 */
export function withInstances(desired: Desired, runtime: string, leaving: ReadonlySet<Instance> = new Set()): Desired {
  const owned = desired.instances.filter((instance) => instance.owned !== undefined);
  if (owned.length === 0) return desired;
  const { owner } = desired.policy;
  const programs = Map.groupBy(desired.services, ({ supervisor }) => supervisor);
  const runners = owned.map((instance) => {
    const own = programs.get(instance.supervisor) ?? [];
    const timeouts = own.map(stopTimeoutOf);
    const timeout = Math.max(PATIENCE, ...timeouts.map((longest) => longest + OWN_TIME));
    const runner = runnerOf(instance, { owner, runtime, timeout, observed: own.length > 0 && own.every(isObserved) });
    return leaving.has(instance) ? absent(runner) : runner;
  });
  const names = new Map(runners.map(({ runs, id }) => [runs, id]));
  const after = desired.services.map((service) => {
    const runner = names.get(service.supervisor);
    return runner === undefined ? service : afterIt(service, runner);
  });
  return { ...desired, services: [...after, ...runners].sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

function absent({ files: _, folders: __, ...runner }: Service): Service {
  return { ...runner, state: 'absent', autostart: false };
}

function isObserved({ written }: Service): boolean {
  return written.mode === 'observe';
}

function stopTimeoutOf({ written }: Service): number {
  return parseDuration(written.stop?.timeout ?? '10s') ?? 0;
}

const programsAfter = new WeakMap<Service, Service>();

/** For the order of steps alone: what it was declared to be after is as it was written. */
function afterIt(service: Service, runner: string): Service {
  if (service.after.includes(runner)) return service;
  const known = programsAfter.get(service);
  if (known !== undefined) return known;
  const after = [...service.after, runner];
  const made = { ...service, after, afterIds: [...(service.afterIds ?? []), runner] };
  programsAfter.set(service, made);
  return made;
}

interface Around {
  readonly owner: string;
  readonly runtime: string;
  /** For its stop, in ms. */
  readonly timeout: number;
  /** Nothing of it is to be done yet: nor is it started for that. */
  readonly observed: boolean;
}

const known = new WeakMap<Instance, Map<string, Service>>();

function runnerOf(instance: Instance, around: Around): Service {
  const made = known.get(instance) ?? new Map<string, Service>();
  known.set(instance, made);
  const key = JSON.stringify(around);
  const service = made.get(key) ?? runnerAnew(instance, around);
  made.set(key, service);
  return service;
}

function runnerAnew(instance: Instance, { owner, runtime, timeout, observed }: Around): Service {
  const { name, supervisor, config, file, owned } = instance;
  if (owned === undefined) throw new Error(`supervisord/${name} is run by others`);
  const id = serviceOfInstance(name);
  const main = mainConfig(instance, owner);
  const { command, user, socket, changes, boot } = owned;
  const run = [command, '--nodaemon', '--configuration', config];
  const written: ServiceFile = {
    supervisor: boot === 'systemd' ? 'systemd' : 'builtin',
    description: `supervisord ${name}`,
    command: boot === 'systemd' ? run : [...guarded(socket.path, run)],
    directory: '/',
    ...(user === undefined ? {} : { user }),
    stop: { timeout: formatDuration(timeout), tree: true },
    // It is ready once it can be asked: only then its programs are started.
    health: [{ name: 'socket', exec: { command: ['/usr/bin/test', '-S', socket.path] }, every: '1m' }],
    restartOn: [config],
    changes,
    ...(observed ? { mode: 'observe' } : {}),
    // It says the same in its own log.
    ...(boot === 'systemd' ? { raw: { systemd: unitLines(owned, runtime) } } : { logs: { stdout: '/dev/null' } }),
  };
  return {
    id,
    name: id,
    supervisor: written.supervisor as 'systemd' | 'builtin',
    state: 'running',
    autostart: true,
    after: [],
    formerly: [],
    changes,
    written,
    // What it is to read, not what is there by now.
    inputs: { [`restartOn:${config}`]: digest(main.text) },
    file,
    runs: supervisor,
    files: [main],
    folders: foldersOf(instance, owned, boot === 'systemd' ? runtime : undefined),
  };
}

type RawLines = NonNullable<NonNullable<ServiceFile['raw']>['systemd']>;

/**
 * Its own stop comes first: it ends each program as that wants to be ended, which a signal to all at once would not. What
 * is left when it was killed goes with its control group, before it is started again.
 */
function unitLines(owned: OwnedInstance, runtime: string): RawLines {
  const folders = inRuntime(owned, runtime).map((path) => path.slice(runtime.length + 1));
  const lines = [
    ...(folders.length === 0 ? [] : [['Service', 'RuntimeDirectory', folders.join(' ')]]),
    ['Service', 'ExecStartPre', commandLine(guarded(owned.socket.path))],
    ['Service', 'ExecStop', commandLine(['/bin/sh', '-c', STOP])],
  ];
  return lines as unknown as RawLines;
}

const STOP = '[ -z "$MAINPID" ] || kill -TERM $MAINPID; while kill -0 $MAINPID; do sleep 0.1; done 2>/dev/null';

function commandLine(command: readonly string[]): string {
  return command.map(quoteArgument).join(' ');
}

/** The folders that systemd makes before each start: what is below its runtime folder is gone after a boot. */
function inRuntime({ socket, pidFile }: OwnedInstance, runtime: string): string[] {
  const folders = new Set([socket.path, pidFile].map(dirname));
  return [...folders].filter((folder) => folder.startsWith(`${runtime}/`)).sort();
}

/** The folders that we make: all but those that are made by `systemd` below its runtime folder. */
function foldersOf({ include }: Instance, owned: OwnedInstance, systemd: string | undefined): HostFolder[] {
  const made = systemd === undefined ? [] : inRuntime(owned, systemd);
  const who = owned.user === undefined ? {} : { user: owned.user };
  const run = [...new Set([owned.socket.path, owned.pidFile].map(dirname))].map((path) => ({ path, ...who }));
  const logs = dirname(owned.log.path);
  // As closed as the folder of default logs, which it mostly is.
  const log = run.some(({ path }) => path === logs) ? [] : [{ path: logs, mode: 0o750, ...who }];
  return [{ path: include }, ...run, ...log].filter(({ path }) => !made.includes(path) && path !== '/dev');
}
