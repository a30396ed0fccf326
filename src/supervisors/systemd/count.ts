import type { ServiceId } from '../../model.ts';
import type { Restarts } from '../../restarts/restarts.ts';
import type { Settings } from '../shared/settings.ts';
import type { Manager } from './manager.ts';

export interface CountOptions {
  readonly restarts: Pick<Restarts, 'note' | 'standing'>;
  readonly manager: () => Promise<Manager>;
  /** It was restarted, by systemd or somebody else, and is not to be any more. */
  readonly tooOften: (id: ServiceId, why: string) => void;
  /** It has another process, and goes on. */
  readonly again: (id: ServiceId, settings: Settings, pid: number) => void;
  /** It waits to be started again, after its process has ended. */
  readonly ended: (id: ServiceId, settings: Settings) => Promise<void>;
}

interface Known {
  readonly unit: string;
  readonly settings: Settings;
  /** Its main process and systemd's own count, as far as they were seen. */
  pid: number;
  restarts: number | undefined;
  /** A restart was counted, and the process that it made is not seen yet. */
  owes: boolean;
  /** A reading has it stopped, by somebody or in the moment between two processes. */
  stopped: boolean;
}

/** ms. What systemd says of one restart comes in several parts. */
const TOGETHER = 30;

/**
 * Counts the restarts of units that nobody asked us for: those that systemd makes by itself, which it counts too, and those
 * of others, which set its count back. What happened while nobody looked is told by systemd's count alone.
 */
export class Count implements Disposable {
  readonly #options: CountOptions;
  readonly #known = new Map<ServiceId, Known>();
  readonly #byUnit = new Map<string, ServiceId>();
  readonly #busy = new Map<ServiceId, number>();
  readonly #due = new Map<ServiceId, NodeJS.Timeout>();
  /** One after another: what one look makes of it, the next one must know. */
  readonly #turns = new Map<ServiceId, Promise<void>>();

  constructor(options: CountOptions) {
    this.#options = options;
  }

  /** They run, by this reading, and these others are between two processes; all others are stopped. */
  follow(
    running: ReadonlyMap<ServiceId, { readonly unit: string; readonly settings: Settings; readonly pid: number }>,
    between: ReadonlySet<ServiceId>,
  ) {
    for (const [id, known] of this.#known) {
      if (!running.has(id) && !between.has(id)) known.stopped = true;
    }
    for (const [id, { unit, settings, pid }] of running) {
      const before = this.#known.get(id);
      this.#byUnit.set(unit, id);
      if (before === undefined) {
        this.#known.set(id, { unit, settings, pid, restarts: undefined, owes: false, stopped: false });
        this.#look(id);
      } else {
        this.#known.set(id, { ...before, unit, settings });
        if (pid !== before.pid) this.#look(id);
      }
    }
  }

  /** systemd says something of a unit. */
  heard(unit: string): void {
    const id = this.#byUnit.get(unit);
    if (id !== undefined) this.#look(id);
  }

  /** It is about to be started and stopped: what it has after that is what we made of it. */
  begin(id: ServiceId): void {
    this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1);
  }

  end(id: ServiceId): void {
    const left = (this.#busy.get(id) ?? 1) - 1;
    if (left > 0) this.#busy.set(id, left);
    else this.#busy.delete(id);
    const known = this.#known.get(id);
    if (known !== undefined) this.#byUnit.delete(known.unit);
    this.#known.delete(id);
    clearTimeout(this.#due.get(id));
    this.#due.delete(id);
  }

  /** We have just started it, and systemd has begun its count anew where `restarts` is 0. */
  began(id: ServiceId, unit: string, settings: Settings, restarts?: 0): void {
    if (this.#busy.has(id)) return;
    this.#byUnit.set(unit, id);
    this.#known.set(id, { unit, settings, pid: 0, restarts, owes: false, stopped: false });
    this.#look(id);
  }

  #look(id: ServiceId): void {
    if (this.#busy.has(id) || this.#due.has(id)) return;
    this.#due.set(
      id,
      setTimeout(() => {
        this.#due.delete(id);
        const turn = (this.#turns.get(id) ?? Promise.resolve())
          .then(() => this.#lookNow(id))
          .catch(() => {
            // It is told by the next reading where systemd can't be asked.
          });
        this.#turns.set(id, turn);
        void turn.then(() => this.#turns.get(id) === turn && this.#turns.delete(id));
      }, TOGETHER),
    );
  }

  async #lookNow(id: ServiceId): Promise<void> {
    const known = this.#known.get(id);
    if (known === undefined || this.#busy.has(id)) return;
    const { unit, settings } = known;
    const manager = await this.#options.manager();
    const [pid, restarts, sub] = await Promise.all([
      manager.property(unit, 'MainPID'),
      manager.property(unit, 'NRestarts'),
      manager.property(unit, 'SubState'),
    ]);
    // A step or a reading may have come in between.
    const now = this.#known.get(id);
    if (now?.pid !== known.pid || this.#busy.has(id)) return;
    const before = { ...now };
    Object.assign(now, { pid: pid > 0 ? pid : now.pid, restarts });
    if (before.restarts === undefined) return;
    const own = Math.max(0, restarts - before.restarts);
    const isNew = pid > 0 && before.pid > 0 && pid !== before.pid;
    if (isNew) Object.assign(now, { owes: false, stopped: false });
    else if (own > 0) now.owes = true;
    // Its count may be told before its process, and who stopped it and starts it again begins anew.
    const isExplained = before.stopped || (before.owes && restarts >= before.restarts);
    const isAnothers = isNew && own === 0 && !isExplained;
    const causes = isAnothers ? ['foreign' as const] : new Array<'supervisor'>(own).fill('supervisor');
    let why: string | undefined;
    for (const cause of causes) {
      const verdict = this.#options.restarts.note(id, cause);
      // A person who starts it is not stopped for that, and what is held for the whole host goes on.
      if (verdict.kind === 'refused' && cause === 'supervisor' && verdict.scope !== 'host') why = verdict.why;
    }
    if (why !== undefined) this.#options.tooOften(id, why);
    else if (isNew) this.#options.again(id, settings, pid);
    else if (sub.startsWith('auto-restart')) await this.#options.ended(id, settings);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#due.values()) clearTimeout(timer);
    this.#due.clear();
    this.#known.clear();
    this.#byUnit.clear();
  }
}
