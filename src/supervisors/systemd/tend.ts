import type { Monitor } from '../../health/health.ts';
import type { Actual, ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { Probed } from '../shared/probed.ts';
import { type Logging, rotateLogs } from '../shared/rotation.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';
import { Trials } from '../shared/trials.ts';

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

/** What systemd leaves to the daemon: probes, log files that grow, and trials after a cooldown. Follows each reading. */
export class Tender implements Disposable {
  readonly #options: TendOptions;
  readonly #probed: Probed;
  readonly #trials: Trials;
  #held: ReadonlyMap<ServiceId, Actual> = new Map();
  #logging: readonly Logging[] = [];
  #rotation: NodeJS.Timeout | undefined;

  constructor(options: TendOptions) {
    this.#options = options;
    this.#probed = new Probed(options.monitor, (service, problem) => this.#trouble(service, problem));
    this.#trials = new Trials((id) => this.#tryNow(id));
    this.#rotateIn(ROTATION);
  }

  follow(objects: readonly Actual[]): void {
    const logging: Logging[] = [];
    const alive = new Set<ServiceId>();
    const held = new Map<ServiceId, number>();
    const ours = objects.filter(({ owner }) => owner.kind === 'ours');
    for (const { id, run, definition } of ours) {
      if (run.kind === 'held') held.set(id, run.until);
      if (run.kind !== 'running' && run.kind !== 'starting') continue;
      const settings = settingsOf(id, definition.fields ?? {}, this.#options.logDir);
      if (settings.logs.written) logging.push({ id, logs: settings.logs });
      alive.add(id);
      void this.#probed.probe(id, settings, run.pid);
    }
    this.#logging = logging;
    this.#probed.keep(alive);
    this.#held = new Map(ours.filter(({ id }) => held.has(id)).map((actual) => [actual.id, actual]));
    this.#trials.follow(held);
  }

  /** Probes a service that has a new process, where it has probes. */
  probe(id: ServiceId, settings: Settings, pid: number | undefined): Promise<void> {
    this.#probed.renew(id);
    return this.#probed.probe(id, settings, pid);
  }

  #tryNow(id: ServiceId): void {
    const actual = this.#held.get(id);
    if (actual === undefined) return;
    this.#options.emit({ kind: 'trial', service: id });
    this.#options.tryAgain(actual).catch((error: unknown) => {
      this.#trouble(id, { code: 'trial-failed', summary: `cannot try ${id} again: ${why(error)}` });
    });
  }

  #trouble(service: ServiceId, problem: Problem): void {
    this.#options.emit({ kind: 'service-trouble', service, problem });
  }

  #rotateIn(wait: number): void {
    this.#rotation = setTimeout(async () => {
      const grown = await rotateLogs(this.#logging, (service, problem) => this.#trouble(service, problem));
      if (this.#rotation !== undefined) this.#rotateIn(grown ? ROTATION_GROWN : ROTATION);
    }, wait);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#rotation);
    this.#rotation = undefined;
    this.#trials[Symbol.dispose]();
    this.#probed[Symbol.dispose]();
  }
}
