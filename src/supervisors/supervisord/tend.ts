import type { Monitor } from '../../health/health.ts';
import { beganAt } from '../../host/procfs.ts';
import type { Actual, ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { formatDuration } from '../../units.ts';
import { Probed } from '../shared/probed.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';
import { Trials } from '../shared/trials.ts';
import type { Budget } from './budget.ts';
import type { Child } from './children.ts';
import type { Link } from './link.ts';
import type { ProcessInfo } from './rpc.ts';
import { STATE } from './runs.ts';
import { unless } from './steps.ts';

/** What a daemon tells of its part in keeping programs running. */
export type SupervisordEvent =
  | { readonly kind: 'service-trouble'; readonly service: ServiceId; readonly problem: Problem }
  /** Its supervisord restarted it by itself, for the n-th time. */
  | { readonly kind: 'restarted'; readonly service: ServiceId; readonly pid: number; readonly times: number }
  /** Its cooldown is over: it is tried again. */
  | { readonly kind: 'trial'; readonly service: ServiceId };

export interface TendOptions {
  readonly link: Link;
  readonly budget: Budget;
  readonly monitor: Monitor;
  readonly logDir: string;
  readonly emit: (event: SupervisordEvent) => void;
}

/** One that was running when it was last looked at (`pid`), or was down for good. */
interface Known {
  pid: number | undefined;
  readonly settings: Settings;
}

/** ms. Until what has just ended is looked at again: supervisord starts it within a second. */
const SOON = 200;

/**
 * What supervisord leaves to the daemon: probes of health, and restart budgets. It looks at the processes whenever
 * supervisord has something to say, and nudges where something rests otherwise than it was read.
 */
export class Tender implements Disposable {
  readonly #options: TendOptions;
  readonly #probed: Probed;
  readonly #trials: Trials;
  readonly #known = new Map<ServiceId, Known>();
  /** Those that a step is at: what becomes of them is its affair. */
  readonly #busy = new Map<ServiceId, number>();
  #looking: Promise<void> | undefined;
  #again: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TendOptions) {
    this.#options = options;
    this.#probed = new Probed(options.monitor, (service, problem) => this.#trouble(service, problem));
    this.#trials = new Trials((id) => this.#tryNow(id));
  }

  /** A reading was made. */
  follow(objects: readonly Actual[]): void {
    const { budget, logDir } = this.#options;
    const alive = new Set<ServiceId>();
    const held = new Map<ServiceId, number>();
    const gone = new Set(this.#known.keys());
    for (const { id, run, owner, definition } of objects) {
      if (owner.kind !== 'ours') continue;
      gone.delete(id);
      const settings = settingsOf(id, definition.fields ?? {}, logDir);
      if (run.kind === 'held') held.set(id, run.until);
      const up = run.kind === 'running' || run.kind === 'starting';
      if (up) {
        alive.add(id);
        budget.release(id);
        void this.#probed.probe(id, settings, run.pid);
      }
      // What is on its way is looked at again by itself.
      const pid = up ? run.pid : run.kind === 'backoff' || run.kind === 'stopping' ? 0 : undefined;
      const before = this.#known.get(id);
      if (before?.pid !== undefined && pid !== undefined && before.pid > 0 && pid > 0)
        this.#known.set(id, { ...before, settings });
      else this.#known.set(id, { pid, settings });
    }
    for (const id of gone) this.#known.delete(id);
    this.#probed.keep(alive);
    this.#trials.follow(held);
  }

  /** Probes a service that has a new process, where it has probes. */
  probe(id: ServiceId, settings: Settings, pid: number | undefined): Promise<void> {
    this.#probed.renew(id);
    return this.#probed.probe(id, settings, pid);
  }

  /** A step begins, which may start and stop it. */
  begin(id: ServiceId): void {
    this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1);
  }

  end(id: ServiceId): void {
    const left = (this.#busy.get(id) ?? 1) - 1;
    if (left > 0) this.#busy.set(id, left);
    else this.#busy.delete(id);
    // What it has now is what the step made of it; the next reading tells.
    this.#known.delete(id);
  }

  /** Something may have happened: looks at once, or after the look that is under way. True where a reading is due. */
  async look(nudge: () => void): Promise<void> {
    await this.#looking;
    if (this.#closed) return;
    this.#looking ??= this.#look(nudge).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(nudge: () => void): Promise<void> {
    const { link } = this.#options;
    if (!link.lives()) {
      nudge();
      return;
    }
    const children = link.children();
    const ended: ServiceId[] = [];
    let news = false;
    for (const [id, known] of this.#known) {
      if (this.#busy.has(id)) continue;
      const child = children.get(id);
      if (child === undefined) {
        if (known.pid !== undefined) ended.push(id);
      } else if (known.pid === undefined) news = true;
      else if (known.pid !== child.pid) await this.#restarted(id, known, child);
    }
    const states = ended.length === 0 ? [] : await link.infos(ended).catch(() => []);
    let soon = false;
    for (const [i, id] of ended.entries()) {
      if (isPassing(states[i], this.#known.get(id)?.settings)) soon = true;
      else news = true;
    }
    if (soon && this.#again === undefined) {
      this.#again = setTimeout(() => {
        this.#again = undefined;
        void this.look(nudge);
      }, SOON);
    }
    if (news) nudge();
  }

  async #restarted(id: ServiceId, known: Known, child: Child): Promise<void> {
    const { budget, link, emit } = this.#options;
    known.pid = child.pid;
    const { rules } = known.settings;
    const spent = budget.count(id, beganAt(child), rules);
    emit({ kind: 'restarted', service: id, pid: child.pid, times: budget.restarts(id) });
    if (!spent) {
      void this.probe(id, known.settings, child.pid);
      return;
    }
    const { restarts, within } = rules.limit;
    const reason = `restarted more often than ${restarts} times within ${formatDuration(within)}`;
    const now = Date.now();
    // Before it is stopped: whoever looks meanwhile must not take it for somebody's stop.
    budget.hold(id, { since: now, until: now + rules.cooldown, reason });
    await link
      .rpc()
      .stopProcess(link.nameOf(id))
      .catch(unless('NOT_RUNNING', 'BAD_NAME'))
      .catch((error: unknown) => {
        this.#trouble(id, { code: 'not-held', summary: `cannot stop ${id}, which was ${reason}: ${why(error)}` });
      });
  }

  #tryNow(id: ServiceId): void {
    const { budget, link, emit } = this.#options;
    emit({ kind: 'trial', service: id });
    // It stays held, for another while, until it is seen to run: whoever is interrupted here leaves no stop unexplained,
    // and what fails at once is not tried without end.
    const held = budget.spent()[id];
    const cooldown = this.#known.get(id)?.settings.rules.cooldown;
    if (held !== undefined && cooldown !== undefined) budget.hold(id, { ...held, until: Date.now() + cooldown });
    link
      .rpc()
      .startProcess(link.nameOf(id))
      .catch(unless('ALREADY_STARTED', 'SPAWN_ERROR'))
      .catch((error: unknown) => {
        this.#trouble(id, { code: 'trial-failed', summary: `cannot try ${id} again: ${why(error)}` });
      });
  }

  #trouble(service: ServiceId, problem: Problem): void {
    this.#options.emit({ kind: 'service-trouble', service, problem });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#again);
    this.#trials[Symbol.dispose]();
    this.#probed[Symbol.dispose]();
  }
}

/** Is it on its way to another state, by itself? */
function isPassing(info: ProcessInfo | undefined, settings: Settings | undefined): boolean {
  if (info === undefined) return false;
  const { state, stop, now, exitstatus } = info;
  const policy = settings?.rules.policy ?? 'always';
  if (state === STATE.exited)
    return now - stop < 3 && (policy === 'always' || (policy === 'on-failure' && exitstatus !== 0));
  return state !== STATE.stopped && state !== STATE.fatal;
}
