import type { Monitor } from '../../health/health.ts';
import type { Actual, ServiceId } from '../../model.ts';
import { type Problem, why as reasonOf } from '../../problem.ts';
import type { Event, Standing } from '../../restarts/account.ts';
import type { WhoListens } from '../../restarts/local-port.ts';
import type { Restarts } from '../../restarts/restarts.ts';
import { permanentText } from '../shared/held.ts';
import { Hopeless } from '../shared/hopeless.ts';
import { Probed } from '../shared/probed.ts';
import { type Settings, settingsOf } from '../shared/settings.ts';
import { isStartedSince } from '../shared/started-since.ts';
import { Trials } from '../shared/trials.ts';
import type { Child } from './children.ts';
import { unless } from './fault.ts';
import { exitCodeOf } from './last-exits.ts';
import type { Link } from './link.ts';
import type { ProcessInfo } from './rpc.ts';
import { STATE } from './runs.ts';

/** What a daemon tells of its part in keeping programs running. */
export type SupervisordEvent =
  | { readonly kind: 'service-trouble'; readonly service: ServiceId; readonly problem: Problem }
  /** Its supervisord restarted it by itself, for the n-th time. */
  | { readonly kind: 'restarted'; readonly service: ServiceId; readonly pid: number; readonly times: number }
  /** Its cooldown is over: it is tried again. */
  | { readonly kind: 'trial'; readonly service: ServiceId };

export interface TendOptions {
  readonly link: Link;
  readonly owner: string;
  readonly restarts: Restarts;
  readonly whoListens: WhoListens | undefined;
  readonly monitor: Monitor;
  /** Does a person want it left alone? Then it is not tried again for as long. */
  readonly isHeld: (id: ServiceId) => boolean;
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
/** ms. Until it is looked again whether a person still wants it left alone. */
const LATER = 10_000;

/**
 * What supervisord leaves to the daemon: probes of health, and restart budgets. It looks at the processes whenever
 * supervisord has something to say, and nudges where something rests otherwise than it was read.
 */
export class Tender implements Disposable {
  readonly #options: TendOptions;
  readonly #probed: Probed;
  readonly #trials: Trials;
  /** Those that no start can heal as things are. */
  readonly #hopeless: Hopeless;
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
    this.#hopeless = new Hopeless(options, (id) => {
      if (!options.isHeld(id)) this.#start(id, { kind: 'mended' });
    });
  }

  /** A reading was made. */
  follow(objects: readonly Actual[]): void {
    const { restarts, logDir } = this.#options;
    const alive = new Set<ServiceId>();
    const held = new Map<ServiceId, number>();
    const hopeless = new Map<ServiceId, Settings>();
    const gone = new Set(this.#known.keys());
    for (const { id, run, owner, definition } of objects) {
      if (owner.kind !== 'ours') continue;
      gone.delete(id);
      const settings = settingsOf(id, definition.fields ?? {}, logDir);
      restarts.know(id, settings.rules);
      if (run.kind === 'held') held.set(id, run.until);
      if (run.kind === 'fatal' && isMissing(restarts.standing(id))) hopeless.set(id, settings);
      const up = run.kind === 'running' || run.kind === 'starting';
      if (up) {
        alive.add(id);
        if (isStartedSince(id, run.pid, restarts)) restarts.take(id, { kind: 'runs' });
        void this.#probed.probe(id, settings, run.pid);
      }
      // What is on its way is looked at again by itself.
      const pid = up ? run.pid : run.kind === 'backoff' || run.kind === 'stopping' ? 0 : undefined;
      const before = this.#known.get(id);
      const bothUp = before?.pid !== undefined && pid !== undefined && before.pid > 0 && pid > 0;
      // A trial is read as HELD until it has a process.
      const isTried = !up && restarts.standing(id).kind === 'trial';
      if (before !== undefined && (bothUp || isTried)) this.#known.set(id, { ...before, settings });
      else this.#known.set(id, { pid, settings });
    }
    for (const id of gone) this.#known.delete(id);
    this.#probed.keep(alive);
    this.#trials.follow(held);
    this.#hopeless.follow(hopeless);
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

  /** `now`: what the step has made of it, where that is known; else the next reading tells. */
  end(id: ServiceId, now: { readonly pid: number | undefined; readonly settings: Settings } | undefined): void {
    const left = (this.#busy.get(id) ?? 1) - 1;
    if (left > 0) this.#busy.set(id, left);
    else this.#busy.delete(id);
    if (now === undefined) this.#known.delete(id);
    else this.#known.set(id, { ...now });
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
      const info = states[i];
      const settings = this.#known.get(id)?.settings;
      if (settings !== undefined && info !== undefined) await this.#ended(id, settings, info);
      if (isPassing(info, settings)) soon = true;
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
    const { restarts, emit } = this.#options;
    known.pid = child.pid;
    const verdict = restarts.note(id, 'supervisor');
    emit({ kind: 'restarted', service: id, pid: child.pid, times: restarts.account(id).restarts });
    // What is held for the whole host goes on: nothing that runs is touched for that.
    if (verdict.kind === 'granted' || verdict.scope === 'host') void this.probe(id, known.settings, child.pid);
    else await this.#hold(id, verdict.why);
  }

  /** It has no process now, and supervisord may be about to start it again: is that of any use? */
  async #ended(id: ServiceId, { rules, ...settings }: Settings, info: ProcessInfo): Promise<void> {
    const { restarts, link } = this.#options;
    if (restarts.standing(id).kind === 'permanent') return;
    const code = exitCodeOf(link, info);
    if (code !== undefined && rules.permanent.includes(code)) {
      const reason = permanentText({ kind: 'code', code });
      restarts.take(id, { kind: 'hopeless', reason, missing: false });
      return this.#hold(id, reason);
    }
    if (info.state !== STATE.backoff && info.state !== STATE.fatal) return;
    const reason = await this.#hopeless.why(id, { rules, ...settings });
    if (reason === undefined || this.#busy.has(id)) return;
    restarts.take(id, { kind: 'hopeless', reason, missing: true });
    await this.#hold(id, reason);
  }

  async #hold(id: ServiceId, why: string): Promise<void> {
    const { link, restarts } = this.#options;
    // Before it is stopped: whoever looks meanwhile must not take it for somebody's stop.
    restarts.flush();
    await link
      .rpc()
      .stopProcess(link.nameOf(id))
      .catch(unless('NOT_RUNNING', 'BAD_NAME'))
      .catch((error: unknown) => {
        this.#trouble(id, { code: 'not-held', summary: `cannot stop ${id} (${why}): ${reasonOf(error)}` });
      });
  }

  #tryNow(id: ServiceId): void {
    if (this.#options.isHeld(id)) {
      this.#trials.again(id, Date.now() + LATER);
      return;
    }
    this.#options.emit({ kind: 'trial', service: id });
    this.#start(id, { kind: 'due', trial: true });
  }

  /** It stays held until it is seen to run: whoever is interrupted here leaves no stop unexplained. */
  #start(id: ServiceId, event: Event): void {
    const { restarts, link } = this.#options;
    const verdict = restarts.take(id, event);
    restarts.flush();
    if (verdict.kind === 'refused') {
      this.#trials.again(id, verdict.until);
      return;
    }
    link
      .rpc()
      .startProcess(link.nameOf(id))
      .catch(unless('ALREADY_STARTED', 'SPAWN_ERROR'))
      .catch((error: unknown) => {
        this.#trouble(id, { code: 'trial-failed', summary: `cannot try ${id} again: ${reasonOf(error)}` });
      });
  }

  #trouble(service: ServiceId, problem: Problem): void {
    this.#options.emit({ kind: 'service-trouble', service, problem });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#again);
    this.#trials[Symbol.dispose]();
    this.#hopeless[Symbol.dispose]();
    this.#probed[Symbol.dispose]();
  }
}

function isMissing(standing: Standing): boolean {
  return standing.kind === 'permanent' && standing.missing;
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
