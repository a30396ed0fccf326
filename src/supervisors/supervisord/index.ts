import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Monitor } from '../../health/health.ts';
import { type Instance, serviceOfInstance } from '../../instance.ts';
import type { Definition, Outcome, OwnStep, Reading, Service, ServiceId } from '../../model.ts';
import { Failure, type Problem } from '../../problem.ts';
import type { WhoListens } from '../../restarts/local-port.ts';
import type { Restarts } from '../../restarts/restarts.ts';
import { check } from '../shared/check.ts';
import { cannot, failed, inTurns } from '../shared/outcome.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';
import type { Supervisor } from '../supervisor.ts';
import { define } from './define.ts';
import { SUPERVISORD_FIELDS } from './fields.ts';
import { judge } from './judge.ts';
import { down, Link } from './link.ts';
import { logPlaces } from './log-places.ts';
import { type Observer, observe } from './observe.ts';
import { createOwnPrograms } from './own-programs.ts';
import { prepare } from './prepare.ts';
import { whyNot } from './presence.ts';
import { programsFile } from './programs-file.ts';
import { callFailure } from './rpc.ts';
import { take } from './steps.ts';
import { type SupervisordEvent, Tender } from './tend.ts';
import { cannotTouch, touch } from './touch.ts';
import type { Wake } from './waiting.ts';
import { watchPaths } from './watch.ts';

export type { SupervisordEvent } from './tend.ts';

export interface SupervisordOptions {
  readonly owner: string;
  readonly instance: Instance;
  readonly restarts: Restarts;
  readonly whoListens?: WhoListens | undefined;
  /** Where services log that name no file. */
  readonly logDir: string;
  /** In a daemon: does what supervisord leaves to it. */
  readonly supervise: boolean;
  readonly monitor: Monitor;
  /** Does a person want it left alone? Absent: none is. */
  readonly isHeld?: (id: ServiceId) => boolean;
  readonly onEvent?: (event: SupervisordEvent) => void;
}

/** ms. How often it is looked whether something has changed that nobody told of. */
const POLL = 5000;
/** ms. A file that is written is cut off first: what it holds is looked at when that is over. */
const QUIET = 20;

/** Services as programs of one supervisord, over XML-RPC. Connects when it first has something to ask. */
export function createSupervisord(options: SupervisordOptions): Supervisor {
  const { owner, instance, logDir, restarts, whoListens, supervise, monitor } = options;
  const link = new Link(instance);
  const observer: Observer = { link, owner, restarts, own: createOwnPrograms(programsFile(instance, owner)) };
  const tender = new Tender({
    link,
    owner,
    restarts,
    whoListens,
    monitor,
    isHeld: options.isHeld ?? (() => false),
    logDir,
    emit: options.onEvent ?? (() => {}),
  });
  const pokes = new Pokes(link);
  const reread = coalesced(() => link.rpc().reloadConfig());
  let unwatch = () => {};
  /** By the last reading that something was planned by. */
  let isUnreadable = false;

  const defined = (service: Service) => define(service, { instance, owner, logDir });
  const withSettings = async (service: Service, ask: (settings: Settings) => Promise<Problem | undefined>) => {
    const definition = defined(service);
    if (Array.isArray(definition)) return definition[0];
    return ask(settingsOf(service.id, (definition as Definition).fields, logDir));
  };
  /** One of ours is started by the same plan; one of others has to be there. */
  const whyDown = async (service: Service): Promise<Problem | undefined> => {
    if (instance.owned !== undefined || (await link.presence()).kind !== 'gone') return undefined;
    const { summary, hint, ...problem } = down(instance);
    return {
      ...problem,
      code: 'cannot-start',
      summary: `cannot start ${service.id}: ${summary}`,
      file: service.file,
      field: 'supervisor',
      hint,
    };
  };
  /** What a step has made of a program, where it says so: what happens to that from now on is news. */
  const madeBy = ({ target, effect, service }: OwnStep, outcome: Outcome) => {
    if (target === undefined || outcome.kind !== 'done') return undefined;
    const { pid } = outcome;
    if (pid === undefined && effect !== 'stop') return undefined;
    return { pid, settings: settingsOf(service, target.definition.fields, logDir) };
  };
  /** What it ran goes on without it: a stop that nobody carries out is none. */
  const whyNotStopped = async (step: OwnStep): Promise<Problem | undefined> => {
    const { owned, name, config } = instance;
    if (step.action !== 'stop' || owned === undefined || (await link.presence()).kind !== 'gone') return undefined;
    const because = `the supervisord of ${config} is not running, and its process goes on without it`;
    const hint = `start that first, which ends it: reconcile start ${serviceOfInstance(name)}`;
    return { ...cannot(step, because, 'supervisord-down'), hint };
  };
  const apply = async (step: OwnStep, signal: AbortSignal): Promise<Outcome> => {
    const { service: id, together = [] } = step;
    for (const one of [id, ...together]) tender.begin(one);
    let made: ReturnType<typeof madeBy>;
    try {
      const unheard = await whyNotStopped(step);
      if (unheard !== undefined) return failed(unheard);
      await link.demand();
      const probe = tender.probe.bind(tender);
      const renew = () => {
        restarts.take(id, { kind: 'renewed' });
        restarts.flush();
      };
      const giveUp = (reason: string) => {
        restarts.take(id, { kind: 'hopeless', reason, missing: false });
        restarts.flush();
      };
      const outcome = await take(
        { link, owner, wake: pokes.wake, monitor, logDir, probe, renew, giveUp, reread },
        step,
        signal,
      );
      made = madeBy(step, outcome);
      return outcome;
    } catch (error) {
      const [problem] = error instanceof Failure ? error.problems : [];
      return failed(problem ?? cannot(step, `supervisord/${instance.name}: ${callFailure(error)}`));
    } finally {
      tender.end(id, made);
      for (const one of together) tender.end(one, undefined);
    }
  };

  return {
    name: instance.supervisor,
    shared: true,
    fields: SUPERVISORD_FIELDS,
    define: defined,
    check: (service) =>
      withSettings(service, async (settings) => (await check(service, settings, logDir)) ?? (await whyDown(service))),
    judge: (service) => withSettings(service, (settings) => judge(service, settings, logDir)),
    observe: async (_signal, declared = [], { looking = false } = {}): Promise<Reading> => {
      const reading = await observe(observer, declared);
      if (!looking) isUnreadable = reading.kind === 'unreadable';
      if (supervise && !looking && reading.kind === 'read') {
        tender.follow(reading.objects.filter((object) => object.kind === 'actual'));
      }
      return reading;
    },
    prepare: (steps) => prepare({ ...observer, logDir, define: defined }, steps, async () => void (await reread())),
    apply: inTurns(apply),
    cannotTouch,
    touch: (service, what, pid, signal) => touch(link, service, what, pid, signal),
    watch: (nudge, stir) => {
      const look = () => void tender.look(nudge);
      const poked = () => {
        stir?.();
        look();
      };
      const files = watchPaths([`${instance.include}/`, instance.config], QUIET, nudge);
      const unpoke = pokes.listen(poked);
      const poll = setInterval(async () => {
        pokes.follow();
        look();
        // What could not be told of it, and waits for that, goes on.
        if (isUnreadable && whyNot(instance, await link.presence()) === undefined) nudge();
      }, POLL);
      unwatch = () => {
        files[Symbol.dispose]();
        unpoke();
        clearInterval(poll);
      };
      return { [Symbol.asyncDispose]: async () => unwatch() };
    },
    logs: (services) => logPlaces(observer, services),
    [Symbol.asyncDispose]: async () => {
      unwatch();
      tender[Symbol.dispose]();
      pokes[Symbol.dispose]();
      link[Symbol.dispose]();
    },
  };
}

/** What is asked for while it is under way is done once more after that, once for all who asked. */
function coalesced<T>(act: () => Promise<T>): () => Promise<T> {
  let now: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const begin = () => {
    now = act().finally(() => {
      now = undefined;
    });
    return now;
  };
  return () => {
    if (now === undefined) return begin();
    next ??= now
      .catch(() => {})
      .then(() => {
        next = undefined;
        return begin();
      });
    return next;
  };
}

/** Wakes whoever waits when supervisord writes to its log: it does so with each change of state, within milliseconds. */
class Pokes implements Disposable {
  readonly #link: Link;
  readonly #waiting = new Set<() => void>();
  #log: { readonly path: string; readonly watch: Disposable } | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  readonly wake: Wake = (limit, signal) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, limit));
      const stop = this.listen(done);
      signal.addEventListener('abort', done);
    });

  /** Its folder may come with the first start of what is ours. */
  follow(): void {
    const path = this.#link.place.log;
    if (path === undefined || this.#log?.path === path || !existsSync(dirname(path))) return;
    this.#log?.watch[Symbol.dispose]();
    const all = () => {
      for (const each of [...this.#waiting]) each();
    };
    this.#log = { path, watch: watchPaths([path], 1, all) };
  }

  listen(poked: () => void): () => void {
    this.follow();
    this.#waiting.add(poked);
    return () => this.#waiting.delete(poked);
  }

  [Symbol.dispose](): void {
    this.#log?.watch[Symbol.dispose]();
    this.#log = undefined;
  }
}
