import type { Settings } from '../shared/settings.ts';
import { glance } from './glance.ts';
import type { JobEnd, Manager, ManagerEvent, UnitProperties } from './manager.ts';
import { limitHit, reasonOf } from './runs.ts';

/** What became of a start. */
export type Ready =
  | { readonly kind: 'ready'; readonly pid: number | undefined }
  /** It has ended, as its restart policy allows. */
  | { readonly kind: 'ended-well' }
  | { readonly kind: 'interrupted' }
  /** `because` where its properties don't tell. */
  | { readonly kind: 'failed'; readonly unit: UnitProperties; readonly because?: string };

/** Waits for units to become what a start was to make of them. */
export class Waiting implements Disposable {
  readonly #manager: Manager;
  readonly #watch: Disposable;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(manager: Manager) {
    this.#manager = manager;
    this.#watch = manager.watch((event) => this.#heard(event));
  }

  /**
   * After a start's job: a unit that stays up for `start.ready` is ready, whatever the job said; one that was started
   * `start.retries` times more without staying up has failed, and is stopped, so that nothing hammers on.
   */
  async ready(unit: string, end: JobEnd, { rules, startTimeout }: Settings, signal: AbortSignal): Promise<Ready> {
    if (end === 'interrupted') return { kind: 'interrupted' };
    const limit = Date.now() + startTimeout + rules.ready;
    for (;;) {
      if (signal.aborted) return { kind: 'interrupted' };
      const { active, sub, pid, began } = await glance(this.#manager, unit);
      if (active === 'active' || active === 'reloading') {
        const left = (began || Date.now()) + rules.ready - Date.now();
        if (left <= 0 || sub === 'exited') return { kind: 'ready', pid: pid || undefined };
        await this.#changed(unit, left, signal);
        continue;
      }
      const now = await this.#manager.unit(unit);
      switch (now.active) {
        case 'active':
        case 'reloading':
          break;
        case 'activating':
          if (endsOf(now) > rules.retries) {
            await this.#manager.stop(unit, signal);
            return { kind: 'failed', unit: now, because: tries(rules.retries, now) };
          }
          if (Date.now() >= limit) return { kind: 'failed', unit: now, because: 'it was not ready in time' };
          await this.#changed(unit, limit - Date.now(), signal);
          break;
        case 'deactivating':
          await this.#changed(unit, limit - Date.now(), signal);
          if (Date.now() >= limit) return { kind: 'failed', unit: now, because: 'it was not ready in time' };
          break;
        default:
          return ended(now, end);
      }
    }
  }

  /** Resolves when what was ready has ended more often than it is to be tried again, with how it did; on abort with nothing. */
  async ended(unit: string, { rules }: Settings, signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      const now = await this.#manager.unit(unit);
      const down = now.active === 'failed' || now.active === 'inactive';
      if (down || endsOf(now) > rules.retries) return reasonOf(now);
      await this.#changed(unit, 5000, signal);
    }
    return undefined;
  }

  /** Resolves when systemd says something of a unit, after a time (ms), or on abort. */
  #changed(unit: string, limit: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        const others = this.#waiting.get(unit);
        others?.delete(done);
        if (others?.size === 0) this.#waiting.delete(unit);
        resolve();
      };
      // A word that was missed must not be waited for for ever.
      const timer = setTimeout(done, Math.max(1, Math.min(limit, 5000)));
      signal.addEventListener('abort', done);
      const others = this.#waiting.get(unit) ?? new Set();
      this.#waiting.set(unit, others.add(done));
    });
  }

  #heard(event: ManagerEvent): void {
    const waiting = event.kind === 'unit-changed' ? [this.#waiting.get(event.unit)] : this.#waiting.values();
    if (event.kind === 'unit-changed' || event.kind === 'back' || event.kind === 'reloaded') {
      for (const each of [...waiting]) for (const wake of [...(each ?? [])]) wake();
    }
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

/**
 * How often it has ended since it was asked to start. A restart is counted once its job is queued, and what it is called stays
 * the same until that runs (`auto-restart`; since systemd 254 `auto-restart-queued`).
 */
function endsOf({ service, sub, job }: UnitProperties): number {
  return (service?.restarts ?? 0) + (sub === 'auto-restart' && !job ? 1 : 0);
}

function ended(unit: UnitProperties, end: JobEnd): Ready {
  const { service, conditionsMet } = unit;
  if (unit.load !== 'loaded') return { kind: 'failed', unit };
  if (!conditionsMet) return { kind: 'failed', unit, because: 'a condition of its unit is not met' };
  if (end === 'dependency') return { kind: 'failed', unit, because: 'a unit that it needs could not be started' };
  if (end === 'canceled') return { kind: 'failed', unit, because: 'somebody else stopped it meanwhile' };
  if (unit.active === 'inactive' && service?.result === 'success') {
    return service.stopAsked
      ? { kind: 'failed', unit, because: 'somebody stopped it meanwhile' }
      : { kind: 'ended-well' };
  }
  if (limitHit(unit)) {
    return { kind: 'failed', unit, because: `it was restarted as often as its limit allows: ${reasonOf(unit)}` };
  }
  return { kind: 'failed', unit };
}

function tries(retries: number, unit: UnitProperties): string {
  const times = retries === 0 ? 'once' : `${retries + 1} times in a row`;
  return `could not be started, tried ${times}: ${reasonOf(unit)}`;
}
