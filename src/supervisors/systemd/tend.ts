import type { Monitor } from '../../health/health.ts';
import type { Actual, ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import type { Event } from '../../restarts/account.ts';
import type { WhoListens } from '../../restarts/local-port.ts';
import type { Restarts } from '../../restarts/restarts.ts';
import { Hopeless } from '../shared/hopeless.ts';
import { Probed } from '../shared/probed.ts';
import { type Logging, rotateLogs } from '../shared/rotation.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';
import { isStartedSince } from '../shared/started-since.ts';
import { Trials } from '../shared/trials.ts';
import { Count } from './count.ts';
import type { Manager } from './manager.ts';
import { unitOfId } from './names.ts';
import { isHopelessCode, reasonOf } from './runs.ts';

/** What a daemon tells of its part in keeping units running. */
export type SystemdEvent =
  | { readonly kind: 'service-trouble'; readonly service: ServiceId; readonly problem: Problem }
  /** Its cooldown is over: systemd is asked to try it again. */
  | { readonly kind: 'trial'; readonly service: ServiceId };

export interface TendOptions {
  readonly owner: string;
  readonly restarts: Restarts;
  readonly whoListens: WhoListens | undefined;
  readonly manager: () => Promise<Manager>;
  readonly monitor: Monitor;
  /** Does a person want it left alone? Then it is not tried again for as long. */
  readonly isHeld: (id: ServiceId) => boolean;
  readonly logDir: string;
  readonly emit: (event: SystemdEvent) => void;
}

/** How often (ms) logs are looked at: all, and as long as one of them keeps growing out of its size. */
const ROTATION = 10_000;
const ROTATION_GROWN = 1000;
/** ms. Until it is looked again whether a person still wants it left alone. */
const LATER = 10_000;
/** ms. How long a start or a stop is waited for. */
const START = 60_000;

/**
 * What systemd leaves to the daemon: probes, log files that grow, budgets beyond a unit's own, and trials after a cooldown.
 * Follows each reading.
 */
export class Tender implements Disposable {
  readonly #options: TendOptions;
  readonly #probed: Probed;
  readonly #trials: Trials;
  readonly #hopeless: Hopeless;
  readonly #count: Count;
  #units: ReadonlyMap<ServiceId, { readonly unit: string; readonly settings: Settings }> = new Map();
  #logging: readonly Logging[] = [];
  #rotation: NodeJS.Timeout | undefined;

  constructor(options: TendOptions) {
    this.#options = options;
    this.#probed = new Probed(options.monitor, (service, problem) => this.#trouble(service, problem));
    this.#trials = new Trials((id) => {
      if (options.isHeld(id)) {
        this.#trials.again(id, Date.now() + LATER);
        return;
      }
      this.#options.emit({ kind: 'trial', service: id });
      this.#start(id, { kind: 'due', trial: true });
    });
    this.#hopeless = new Hopeless(options, (id) => {
      if (!options.isHeld(id)) this.#start(id, { kind: 'mended' });
    });
    const { restarts, manager } = options;
    this.#count = new Count({
      restarts,
      manager,
      tooOften: (id, because) => void this.#hold(id, because),
      again: (id, settings, pid) => void this.probe(id, settings, pid),
      ended: (id, settings) => this.#ended(id, settings),
    });
    this.#rotateIn(ROTATION);
  }

  follow(objects: readonly Actual[]): void {
    const logging: Logging[] = [];
    const alive = new Set<ServiceId>();
    const held = new Map<ServiceId, number>();
    const hopeless = new Map<ServiceId, Settings>();
    const between = new Set<ServiceId>();
    const running = new Map<ServiceId, { unit: string; settings: Settings; pid: number }>();
    const { restarts, logDir } = this.#options;
    const ours = objects.filter(({ owner }) => owner.kind === 'ours');
    const units = new Map<ServiceId, { unit: string; settings: Settings }>();
    for (const actual of ours) {
      const { id, run, definition } = actual;
      if (run.kind === 'held') held.set(id, run.until);
      const settings = settingsOf(id, definition.fields ?? {}, logDir);
      const unit = unitNameOf(actual);
      units.set(id, { unit, settings });
      restarts.know(id, settings.rules);
      const standing = restarts.standing(id);
      if (run.kind === 'fatal' && standing.kind === 'permanent' && standing.missing) hopeless.set(id, settings);
      // A trial is read as HELD until it has a process.
      if (run.kind === 'backoff' || standing.kind === 'trial') between.add(id);
      if (run.kind !== 'running' && run.kind !== 'starting') continue;
      // Somebody has started it.
      if (isStartedSince(id, run.pid, restarts)) restarts.take(id, { kind: 'runs' });
      running.set(id, { unit, settings, pid: run.pid });
      if (settings.logs.written) logging.push({ id, logs: settings.logs });
      alive.add(id);
      void this.#probed.probe(id, settings, run.pid);
    }
    this.#logging = logging;
    this.#probed.keep(alive);
    this.#units = units;
    this.#count.follow(running, between);
    this.#trials.follow(held);
    this.#hopeless.follow(hopeless);
  }

  /** Probes a service that has a new process, where it has probes. */
  probe(id: ServiceId, settings: Settings, pid: number | undefined): Promise<void> {
    this.#probed.renew(id);
    return this.#probed.probe(id, settings, pid);
  }

  /** systemd says something of a unit. */
  heard(unit: string): void {
    this.#count.heard(unit);
  }

  /** A step begins, and ends: what becomes of the unit meanwhile is its affair. */
  begin(id: ServiceId): void {
    this.#count.begin(id);
  }

  /** `started`: by it, as this unit. */
  end(id: ServiceId, started?: { readonly unit: string; readonly settings: Settings }): void {
    this.#count.end(id);
    if (started !== undefined) this.#count.began(id, started.unit, started.settings);
  }

  /** It has ended, and systemd is about to start it again: is that of any use? */
  async #ended(id: ServiceId, settings: Settings): Promise<void> {
    const { restarts, manager } = this.#options;
    const unit = this.#units.get(id)?.unit;
    if (unit === undefined || restarts.standing(id).kind === 'permanent') return;
    const properties = await (await manager()).unit(unit);
    const exit = properties.service?.exit;
    const reason = isHopelessCode(exit) ? reasonOf(properties) : await this.#hopeless.why(id, settings);
    if (reason === undefined) return;
    restarts.take(id, { kind: 'hopeless', reason, missing: true });
    await this.#hold(id, reason);
  }

  async #hold(id: ServiceId, because: string): Promise<void> {
    const unit = this.#units.get(id)?.unit;
    if (unit === undefined) return;
    // Before it is stopped: whoever looks meanwhile must not take it for somebody's stop.
    this.#options.restarts.flush();
    this.begin(id);
    try {
      await (await this.#options.manager()).stop(unit, AbortSignal.timeout(START));
    } catch (error) {
      this.#trouble(id, { code: 'not-held', summary: `cannot stop ${id} (${because}): ${why(error)}` });
    } finally {
      this.end(id);
    }
  }

  /** Clears its counts and starts it, in one go, so that nobody sees it without its failure and not started. */
  #start(id: ServiceId, event: Event): void {
    const { restarts, manager } = this.#options;
    const known = this.#units.get(id);
    if (known === undefined) return;
    const { unit, settings } = known;
    const verdict = restarts.take(id, event);
    restarts.flush();
    if (verdict.kind === 'refused') {
      this.#trials.again(id, verdict.until);
      return;
    }
    this.begin(id);
    const again = async () => {
      const systemd = await manager();
      await Promise.all([systemd.resetFailed(unit), systemd.start(unit, AbortSignal.timeout(START))]);
    };
    again()
      .catch((error: unknown) => {
        this.#trouble(id, { code: 'trial-failed', summary: `cannot try ${id} again: ${why(error)}` });
      })
      .finally(() => {
        this.#count.end(id);
        this.#count.began(id, unit, settings, 0);
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
    this.#hopeless[Symbol.dispose]();
    this.#count[Symbol.dispose]();
    this.#probed[Symbol.dispose]();
  }
}

function unitNameOf({ id, definition }: Actual): string {
  const unit = definition.fields?.unit;
  return typeof unit === 'string' ? unit : unitOfId(id);
}
