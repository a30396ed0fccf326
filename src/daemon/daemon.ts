import { join } from 'node:path';
import type { Config } from '../config.ts';
import { heldIds } from '../control/holds.ts';
import { converge, ensureHostKey, loadDesired, openDesiredCache } from '../engine.ts';
import { createMonitor } from '../health/monitor.ts';
import { suspectsOf } from '../health/suspects.ts';
import type { Lock } from '../host/lock.ts';
import { createMemoryRelease } from '../host/memory.ts';
import { readMarks } from '../marks.ts';
import type { Event, Report, Status } from '../model.ts';
import { observeAll } from '../prepare.ts';
import { Failure } from '../problem.ts';
import { EVERYTHING, type Request } from '../request.ts';
import { revisionOf } from '../revision.ts';
import { openRegistry } from '../supervisors/index.ts';
import { decided, desiredAt } from '../verify/go-back.ts';
import { actionsOf } from './acted.ts';
import { startAlerting } from './alerting.ts';
import { askedText } from './asked.ts';
import { takeCare } from './care.ts';
import { watchChanges } from './changes.ts';
import { watchForDuels } from './duels.ts';
import type { DaemonEvent } from './event.ts';
import { openForce } from './force.ts';
import { foretell } from './foretell.ts';
import { tellGates } from './gates.ts';
import { keepInUse } from './in-use.ts';
import { refuseOther } from './invalid.ts';
import { tellLeft } from './left.ts';
import { createLoop } from './loop.ts';
import { watchLock } from './lost.ts';
import { afterOf, plainRequest, runningIn } from './plain.ts';
import { tellProbes } from './probe-events.ts';
import { createPulse } from './pulse.ts';
import { countRestarts } from './restarts.ts';
import { serveSockets } from './sockets.ts';
import { statusNow } from './status.ts';
import { createSuspicion } from './suspicion.ts';
import { sync } from './sync.ts';
import { touchNow } from './touched.ts';
import { createVerifier } from './verify.ts';
import { createWaker } from './wake.ts';
import { keepWellness } from './wellness.ts';
import { createWitnesses } from './witnesses.ts';

export interface Daemon {
  status(): Promise<Status>;
  /** Reads everything anew and applies it; resolves when that is done. */
  reload(): Promise<void>;
  /** Its work goes on: no turn of its loop has come to a standstill. */
  alive(): boolean;
  /** Ends the daemon; services go on unless told. Resolves when all is released. */
  stop(services: boolean): Promise<void>;
  /** Resolves when somebody asked over the socket to stop. */
  readonly askedToStop: Promise<{ readonly services: boolean }>;
  /** Resolves when the lock was taken from under it: it does nothing more, for another may act there now. */
  readonly lost: Promise<void>;
}

/** A nudge that comes by itself, in case a change was missed: level-triggered. */
const RESYNC = 300_000;

/**
 * Runs the daemon in this process; the caller holds the lock of the runtime folder. It takes back what runs, converges,
 * and then on every change of the desired state, on drift and now and then; supervises all the while.
 */
export async function startDaemon(
  config: Config,
  lock: Pick<Lock, 'isThere'>,
  listener: (event: DaemonEvent) => void,
): Promise<Daemon> {
  const pulse = createPulse();
  const monitor = createMonitor();
  // Before what is made of it.
  tellProbes(monitor, (event) => tell(event));
  const wellness = keepWellness(monitor);
  const tell = (event: DaemonEvent) => {
    pulse.beat();
    listener(event);
    wellness.hear(event);
    alerting.hear(event);
  };
  ensureHostKey(config.stateDir);
  const abort = new AbortController();
  const cache = openDesiredCache(config);
  const alerting = startAlerting(config, {
    desired: () => force.last,
    tell: (event) => tell(event),
    levelOf: wellness.board.levelOf,
    isBroken: () => counting.restarts.breaker().kind !== 'closed',
    signal: abort.signal,
  });
  const load = () => loadDesired(config, cache);
  const loadSteady = () => source.steady(load);
  const force = openForce(config, loadSteady, tell);
  const source = await watchChanges(config, {
    tell,
    changed: (cause) => loop.nudge(cause),
    trouble: (problem) => tell({ kind: 'trouble', problem }),
    desired: () => force.last,
    signal: abort.signal,
  });
  // It would go on looking, and nothing would come of it, where there is nothing to begin with.
  await using watching = new AsyncDisposableStack();
  watching.use(source);
  watching.defer(() => abort.abort());
  const first = (await force.now()).desired;
  if (first === undefined) throw new Failure(...force.problems);
  const { owner } = first.policy;
  force.owner = owner;

  wellness.board.onChange(tell);
  const counting = countRestarts(config, tell, (cause) => loop.nudge(cause));
  counting.see(first);
  const registry = openRegistry({
    owner,
    runtimeDir: config.runtimeDir,
    logDir: config.logDir,
    supervise: true,
    monitor,
    restarts: counting.restarts,
    whoListens: counting.whoListens,
    isHeld: (id) => heldIds(config.stateDir, (force.last ?? first).services, id, Date.now()),
    revision: (id) => (force.last === undefined ? '' : revisionOf(force.last, id)),
    onEvent: tell,
  });
  const { builtin } = registry;
  await builtin.adopt();

  const hand = { config, load: loadSteady, owner, registry, unwell: () => care.pending, signal: abort.signal };
  const left = tellLeft(tell);
  const tellWaits = tellGates(tell);
  const witnesses = createWitnesses();
  const inUse = keepInUse(config, { registry, stir: () => witnesses.stir(), nudge: (cause) => loop.nudge(cause) });
  const waker = createWaker(config, (cause) => loop.nudge(cause), tell);

  const duels = watchForDuels(config, registry, { desired: () => force.last, tell, nudge: () => loop.nudge('a duel') });

  const own = watching.use(watchLock(lock, abort));
  const healthOf = wellness.stateOf;
  const run = (given: Request, emit: (event: Event) => void) => wellness.around(() => runNow(given, emit));
  const runNow = async (given: Request, emit: (event: Event) => void): Promise<Report | undefined> => {
    if (own.isLost()) return undefined;
    await verifier.look();
    const request = { ...(await decided(config, given, force.last, cache)), unwell: care.pending };
    const { desired, fresh } = await force.now();
    if (desired === undefined) return undefined;
    const before = force.last;
    force.last = desired;
    counting.see(desired);
    try {
      const told = (event: Event) => {
        emit(event);
        // Before what else is to be done, which may take its time.
        if (event.kind !== 'planned') return;
        const isWhole = request.only.length === 0;
        left(event.plan, readMarks(config.stateDir), isWhole);
        alerting.see(event.plan, isWhole);
      };
      const supervisors = await inUse.take(desired);
      const marks = readMarks(config.stateDir);
      const report = await duels.around(
        async () => {
          const report = await converge(config, desired, supervisors, request, {
            emit: told,
            signal: abort.signal,
            health: healthOf,
            begin: (prepared) => {
              waker.see(prepared);
              tellWaits(prepared);
              verifier.begin(prepared, before);
              wellness.begin(prepared);
            },
            who: (services) => witnesses.of(services, desired),
          });
          verifier.end(report);
          care.end(report);
          await wellness.end(report, (desired) => observeAll(desired, supervisors, abort.signal, { looking: true }));
          return report;
        },
        (report) => actionsOf(report, marks, readMarks(config.stateDir), request.asked),
      );
      if (fresh) force.accept();
      return report;
    } catch (error) {
      // What can't be defined or belongs to another is as invalid as what can't be read.
      if (error instanceof Failure) force.last = before;
      throw error;
    } finally {
      waker.arm();
    }
  };
  const release = createMemoryRelease(cache.save, 2000);
  // Whoever looks mostly looks again.
  const releaseAfterLook = createMemoryRelease(cache.save, 30_000);
  const loop = createLoop(async (causes) => {
    tell({ kind: 'run', causes });
    try {
      await run(EVERYTHING, tell);
      release();
    } catch (error) {
      if (error instanceof Failure) force.reject(error.problems);
      else tell({ kind: 'trouble', problem: { code: 'defect', summary: `cannot converge: ${String(error)}` } });
    }
  }, pulse.around);

  const suspicion = createSuspicion(async (id) =>
    force.last === undefined ? [] : suspectsOf(id, force.last, monitor),
  );
  const verifier = createVerifier(config, {
    desired: () => force.last,
    suspicion,
    observe: async (desired) => observeAll(desired, await inUse.take(desired), abort.signal, { looking: true }),
    healthOf,
    inTurn: (task) => loop.run(task),
    nudge: () => loop.nudge('a change did not stay well'),
    tell,
  });

  const applyNow = (cause: string, request: Request, emit: (event: Event) => void): Promise<Report> =>
    loop.run(async () => {
      tell({ kind: 'run', causes: [cause] });
      const report = await run(request, emit);
      if (report === undefined || force.problems.length > 0) throw new Failure(...force.problems);
      return report;
    });

  const care = takeCare(config, {
    monitor,
    restarts: counting.restarts,
    desired: () => force.last,
    causeOf: wellness.board.causeOf,
    suspicion,
    loadAt: (commit) => desiredAt(config, commit, cache),
    inTurn: (task) => loop.run(task),
    goBack: (back) => applyNow(`${back.by} fails`, { ...EVERYTHING, back }, tell),
    nudge: (cause) => loop.nudge(cause),
    tell,
  });
  wellness.board.onChange((event) => {
    if (event.kind === 'waiting-for') care.spare(event.service);
  });

  const stopping = Promise.withResolvers<{ readonly services: boolean }>();
  const status = (): Promise<Status> =>
    statusNow(config, force.last ?? first, {
      observe: async (desired) =>
        observeAll(desired, await inUse.take(desired), abort.signal, { thorough: true, looking: true }),
      wellness,
      alerting,
      invalid: () => force.problems,
      left: left.texts,
    });
  await using stack = new AsyncDisposableStack();
  for (const one of [alerting, monitor, wellness, counting, care, registry, duels, verifier]) stack.use(one);
  stack.use(
    await serveSockets(config, {
      status,
      nudge: (cause) => loop.nudge(cause),
      stop: (services) => stopping.resolve({ services }),
      plan: (request) => foretell(hand, request).finally(releaseAfterLook),
      apply: (request, emit) => {
        refuseOther(config, request);
        return applyNow(askedText(request), plainRequest(request), (event) => {
          tell(event);
          emit(event);
        });
      },
      touch: (asked, emit) => touchNow({ ...hand, first, force, inUse, duels, loop, tell }, asked, emit),
      sync: async (request) => {
        refuseOther(config, request);
        return sync(source, request, () => applyNow(`${request.by ?? 'somebody'} asked to sync`, EVERYTHING, tell));
      },
    }),
  );
  stack.use(watching.move());
  await source.begin();
  const resync = setInterval(() => loop.nudge('a look now and then'), RESYNC);
  const resources = stack.move();
  const observed = await observeAll(first, await inUse.take(first), abort.signal);
  tell({ kind: 'ready', socket: join(config.runtimeDir, 'control.sock'), adopted: runningIn(observed) });
  loop.nudge('the daemon began');

  return {
    status,
    reload: async () => {
      source.nudge();
      loop.nudge('SIGHUP');
      await loop.run(async () => undefined).catch(() => undefined);
    },
    alive: () => pulse.beats(force.last),
    askedToStop: stopping.promise,
    lost: own.lost,
    stop: async (services) => {
      clearInterval(resync);
      abort.abort();
      await loop.close();
      // Whatever run was on has armed it once more.
      waker[Symbol.dispose]();
      await inUse[Symbol.asyncDispose]();
      if (services) wellness.leave();
      if (services) await builtin.stopAll(AbortSignal.timeout(600_000), afterOf(force.last ?? first));
      await resources.disposeAsync();
    },
  };
}
