import type { Monitor } from '../../health/health.ts';
import { findUser } from '../../host/users.ts';
import type { Actual, ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { watchHealth } from '../shared/probing.ts';
import { type Logging, rotateLogs } from '../shared/rotation.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';

/** What a daemon tells of its part in keeping units running. */
export type SystemdEvent =
  | { readonly kind: 'service-trouble'; readonly service: ServiceId; readonly problem: Problem }
  /** Its cooldown is over: systemd is asked to try it again. */
  | { readonly kind: 'trial'; readonly service: ServiceId };

export interface TendOptions {
  readonly monitor: Monitor;
  readonly logDir: string;
  readonly emit: (event: SystemdEvent) => void;
  /** Clears a unit's counts and starts it. */
  readonly tryAgain: (actual: Actual) => Promise<void>;
}

/** How often (ms) logs are looked at: all, and as long as one of them keeps growing out of its size. */
const ROTATION = 10_000;
const ROTATION_GROWN = 1000;
/** Timers of Node end at 2^31 ms. */
const LONGEST = 2 ** 31 - 1;

/** What systemd leaves to the daemon: probes, log files that grow, and trials after a cooldown. Follows each reading. */
export class Tender implements Disposable {
  readonly #options: TendOptions;
  /** What is probed, by the probes it has. */
  readonly #probed = new Map<ServiceId, string>();
  readonly #trials = new Map<ServiceId, { readonly until: number; readonly timer: NodeJS.Timeout }>();
  #logging: readonly Logging[] = [];
  #rotation: NodeJS.Timeout | undefined;

  constructor(options: TendOptions) {
    this.#options = options;
    this.#rotateIn(ROTATION);
  }

  follow(objects: readonly Actual[]): void {
    const logging: Logging[] = [];
    const alive = new Set<ServiceId>();
    const held = new Set<ServiceId>();
    for (const actual of objects) {
      if (actual.owner.kind !== 'ours') continue;
      const { id, run } = actual;
      if (run.kind === 'held') {
        held.add(id);
        this.#tryLater(actual, run.until);
      }
      if (run.kind !== 'running' && run.kind !== 'starting') continue;
      const settings = settingsOf(id, actual.definition.fields ?? {}, this.#options.logDir);
      if (settings.logs.written) logging.push({ id, logs: settings.logs });
      alive.add(id);
      void this.probe(id, settings);
    }
    this.#logging = logging;
    for (const id of this.#probed.keys()) if (!alive.has(id)) this.#forget(id);
    for (const id of this.#trials.keys()) if (!held.has(id)) this.#drop(id);
  }

  /** Has a service probed that runs, where it has probes; nothing where the same ones are at it. */
  async probe(id: ServiceId, settings: Settings): Promise<void> {
    const { probes, user, group } = settings;
    const key = JSON.stringify([probes, user, group, settings.directory, settings.environment]);
    if (probes.length === 0) return this.#forget(id);
    if (this.#probed.get(id) === key) return;
    this.#probed.set(id, key);
    const found = user === undefined ? undefined : await findUser(user);
    // Its user is gone: a probe must not run as another.
    if (user !== undefined && found === undefined) return this.#forget(id);
    const problem = watchHealth(this.#options.monitor, id, settings, found && { user: found, group });
    if (problem !== undefined) this.#options.emit({ kind: 'service-trouble', service: id, problem });
  }

  /** A new process: its probes begin anew. */
  renew(id: ServiceId): void {
    this.#probed.delete(id);
  }

  #forget(id: ServiceId): void {
    if (this.#probed.delete(id)) this.#options.monitor.forget(id);
  }

  #tryLater(actual: Actual, until: number): void {
    const { id } = actual;
    if (this.#trials.get(id)?.until === until) return;
    this.#drop(id);
    const wait = Math.min(Math.max(0, until - Date.now()), LONGEST);
    const timer = setTimeout(() => {
      this.#trials.delete(id);
      this.#options.emit({ kind: 'trial', service: id });
      this.#options.tryAgain(actual).catch((error: unknown) => {
        const problem = { code: 'trial-failed', summary: `cannot try ${id} again: ${why(error)}` };
        this.#options.emit({ kind: 'service-trouble', service: id, problem });
      });
    }, wait);
    this.#trials.set(id, { until, timer });
  }

  #drop(id: ServiceId): void {
    clearTimeout(this.#trials.get(id)?.timer);
    this.#trials.delete(id);
  }

  #rotateIn(wait: number): void {
    this.#rotation = setTimeout(async () => {
      const trouble = (service: ServiceId, problem: Problem) =>
        this.#options.emit({ kind: 'service-trouble', service, problem });
      const grown = await rotateLogs(this.#logging, trouble);
      if (this.#rotation !== undefined) this.#rotateIn(grown ? ROTATION_GROWN : ROTATION);
    }, wait);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#rotation);
    this.#rotation = undefined;
    for (const id of [...this.#trials.keys()]) this.#drop(id);
    for (const id of [...this.#probed.keys()]) this.#forget(id);
  }
}
