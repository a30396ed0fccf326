import { join } from 'node:path';
import { type Config, ensureFolder } from '../../config.ts';
import { askStop } from '../../daemon/client.ts';
import { type Daemon, startDaemon } from '../../daemon/daemon.ts';
import { logEvent } from '../../daemon/levels.ts';
import { createLog } from '../../daemon/log.ts';
import { openRecorder } from '../../daemon/record.ts';
import { rivalOf } from '../../host/daemons.ts';
import { type Holder, type Lock, readHolder, takeLock } from '../../host/lock.ts';
import { Failure, why } from '../../problem.ts';
import { takeManager } from '../../service/notify.ts';
import { preload } from '../../service/preload.ts';
import type { Context, Options } from '../context.ts';
import { managedBy } from './managed.ts';

/** How long (ms) to wait for a one-shot that is applying, and for a daemon to end. */
const PATIENCE = 60_000;
/** A signal within this time (ms) of the first is the same one. */
const AGAIN = 1000;

/** `reconcile daemon`: in the foreground, until SIGTERM or SIGINT, or until somebody asks over the socket. */
export async function daemonCommand(context: Context, options: Options): Promise<number> {
  const { config, note } = context;
  const manager = takeManager(process.env, process.pid);
  for (const folder of [config.runtimeDir, config.stateDir, join(config.stateDir, 'decisions')]) ensureFolder(folder);
  const lock = await takeDaemonLock(context, options.stopServices === true);
  if (lock === undefined) return 0;
  using _ = lock;
  const { tell, close, follow } = options.live ? await liveView(context) : await logView();
  const managed = managedBy(manager, tell);
  using recorder = openRecorder(config, { stays: true, onTrouble: (problem) => tell({ kind: 'trouble', problem }) });
  recorder.note('began', `the daemon began, pid ${process.pid}, for ${config.desiredState}`, { pid: process.pid });
  const ended = Promise.withResolvers<void>();
  const signals = ['SIGTERM', 'SIGINT'] as const;
  let first = 0;
  for (const signal of signals) {
    process.on(signal, () => {
      // Once more ends at once, the services are safe either way; but npm sends on what the terminal has sent already.
      if (first > 0 && Date.now() - first > AGAIN) process.exit(1);
      first ||= Date.now();
      ended.resolve();
    });
  }
  // A terminal that goes away ends what was shown on it; a daemon with a log reads everything anew.
  process.on('SIGHUP', () => (options.live ? ended.resolve() : void managed.reload()));
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners('error').on('error', () => undefined);
  let daemon: Daemon;
  try {
    daemon = await startDaemon(config, lock, (event) => {
      recorder.tell(event);
      tell(event);
      managed.heard(event);
    });
  } catch (error) {
    recorder.note('ended', `the daemon could not begin: ${why(error)}`);
    close();
    throw error;
  }
  follow(daemon);
  managed.follow(daemon);
  // What runs is looked after before anything else is done; and nobody deletes a release whose daemon is not ready.
  try {
    await preload();
  } catch (error) {
    await daemon.stop(false);
    close();
    throw error;
  }
  managed.ready();
  // Its socket and records may be another's by now: nothing is closed or tidied away, and so nothing of his is touched.
  daemon.lost.then(() => {
    close();
    note(
      `cannot go on: ${config.runtimeDir} was removed while the daemon ran\n  its services go on; start it again and it takes them back\n`,
    );
    process.exit(1);
  });
  const asked = await Promise.race([ended.promise.then(() => ({ services: false })), daemon.askedToStop]);
  const services = asked.services || options.stopServices === true;
  const told = managed.stopping(services);
  if (services) note('Stopping the daemon and its services...\n');
  await Promise.all([daemon.stop(services), told]);
  recorder.note('ended', services ? 'the daemon ended, and its services' : 'the daemon ended; its services go on');
  close();
  note(
    services
      ? 'Daemon ended; its services are stopped.\n'
      : 'Daemon ended; its services go on, unsupervised until it runs again.\n',
  );
  return 0;
}

/** The lock, or undefined where a running daemon was asked to end and did. */
async function takeDaemonLock({ config, note }: Context, stopServices: boolean): Promise<Lock | undefined> {
  const path = join(config.runtimeDir, 'lock');
  const holder: Holder = {
    pid: process.pid,
    role: 'daemon',
    desiredState: config.desiredState,
    since: new Date().toISOString(),
  };
  const lock = await takeLock(path, holder, 0);
  if (lock !== undefined) return alone(config, lock);
  const other = readHolder(path);
  if (other?.role === 'daemon' && !stopServices) throw new Failure(second(config, other));
  if (other?.role === 'daemon') {
    await askStop(join(config.runtimeDir, 'control.sock'), true);
    note(`Asked the daemon (pid ${other.pid}) to stop its services and end...\n`);
    const freed = await takeLock(path, holder, PATIENCE);
    if (freed === undefined)
      throw new Failure({
        code: 'still-there',
        summary: `the daemon (pid ${other.pid}) has not ended yet: a service takes its time to stop`,
      });
    freed[Symbol.dispose]();
    note('It has ended; its services are stopped.\n');
    return undefined;
  }
  note(`Waiting for another reconcile${other === undefined ? '' : ` (pid ${other.pid})`} to finish...\n`);
  const later = await takeLock(path, holder, PATIENCE);
  if (later !== undefined) return alone(config, later);
  throw new Failure({
    code: 'locked',
    summary: `cannot start the daemon: another reconcile${other === undefined ? '' : ` (pid ${other.pid})`} still works on ${config.runtimeDir}`,
    hint: 'wait for it, or look at what it waits for',
  });
}

/** Each would start what the other one has. */
function alone({ desiredState, runtimeDir }: Config, lock: Lock): Lock {
  const rival = rivalOf(desiredState);
  if (rival === undefined) return lock;
  lock[Symbol.dispose]();
  throw new Failure({
    code: 'daemon-runs',
    summary: `cannot start a second daemon for ${desiredState}: pid ${rival.pid} applies it since ${rival.since}, with the runtime folder ${rival.runtimeDir} (this one's is ${runtimeDir})`,
    hint: `ask it (--runtime-dir ${rival.runtimeDir}), or end it (kill ${rival.pid}): its services go on, and the next daemon takes them back`,
  });
}

function second(config: Config, other: Holder) {
  return {
    code: 'daemon-runs',
    summary: `cannot start a second daemon on ${config.runtimeDir}: pid ${other.pid} runs there since ${other.since}, for ${other.desiredState}`,
    hint: `ask it (\`reconcile\`, \`reconcile status\`), or end it (kill ${other.pid}): its services go on`,
  };
}

interface View {
  readonly tell: Parameters<typeof startDaemon>[2];
  readonly follow: (daemon: Daemon) => void;
  readonly close: () => void;
}

async function logView(): Promise<View> {
  const log = await createLog();
  return { tell: (event) => logEvent(log, event), follow: () => undefined, close: () => undefined };
}

async function liveView(context: Context): Promise<View> {
  const { createLive } = await import('../live.ts');
  return createLive(context);
}
