import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Actual, Run } from '../../model.ts';
import { unreachable } from '../../problem.ts';
import type { Manager, ManagerEvent } from './manager.ts';
import { unitOfId } from './names.ts';
import { bootLink } from './prepare.ts';
import type { Observer } from './sight.ts';

/** Something else than what was read last may be so: carries no content. */
type Nudge = () => void;

/** ms. A file that is written is cut off first: what it holds is looked at when that is over. */
const QUIET = 20;

/**
 * Notices what may have drifted: systemd's signals about units that matter, and changes in the folders of unit files and
 * drop-ins, which systemd does not tell of. What goes to and fro within one reading's truth, such as a restart, nudges
 * nobody.
 */
export class Drift {
  /** What was read last, by unit. */
  #read = new Map<string, Rest>();
  /** While a reading is under way, the last word of each unit since it began: it may be newer. */
  #meanwhile: Map<string, ManagerEvent> | undefined;
  #nudge: Nudge | undefined;
  #stir: Nudge | undefined;
  #watching: Manager | undefined;
  /** Folders that are watched whatever is in them. */
  #always: readonly string[] = [];
  readonly #watchers = new Map<string, FSWatcher>();
  /** Folders in which something has happened, and the end of the quiet after it. */
  readonly #touched = new Set<string>();
  #settling: NodeJS.Timeout | undefined;

  /** A reading begins. */
  begin(): void {
    this.#meanwhile = new Map();
  }

  /** A reading has ended: what it says is no news. */
  follow(objects: readonly Actual[]): void {
    const units = objects.map(({ run, definition, id }): [string, Rest] => {
      const unit = definition.fields?.unit;
      return [typeof unit === 'string' ? unit : unitOfId(id), restOf(run)];
    });
    // When that is started again, they can be.
    const others = objects.flatMap(({ run }): [string, Rest][] =>
      'stoppedWith' in run && run.stoppedWith !== undefined ? [[run.stoppedWith, 'down']] : [],
    );
    this.#read = new Map([...others, ...units]);
    const news = [...(this.#meanwhile?.values() ?? [])].some((event) => this.#isNews(event));
    this.#meanwhile = undefined;
    if (this.#nudge === undefined) return;
    if (news) this.#nudge();
    const files = objects.flatMap(({ definition }) => definition.files ?? []);
    this.#watchOnly(new Set([...this.#always, ...files.map(({ path }) => dirname(path))]));
  }

  /** `stir` is told at the first sign of a stop, which may not be over for long. */
  start({ scope, unitDir }: Pick<Observer, 'scope' | 'unitDir'>, nudge: Nudge, stir?: Nudge): void {
    this.#nudge = nudge;
    this.#stir = stir;
    this.#always = [unitDir, dirname(bootLink({ manager: scope, unitDir }, 'any'))];
    this.#watchOnly(new Set(this.#always));
  }

  /** From now on this connection's signals are heard. */
  hear(manager: Manager): void {
    if (this.#watching === manager) return;
    this.#watching = manager;
    manager.watch((event) => {
      if (event.kind === 'unit-changed') this.#meanwhile?.set(event.unit, event);
      if (event.kind === 'unit-changed' && event.active !== 'active' && this.#read.get(event.unit) === 'up')
        this.#stir?.();
      if (this.#isNews(event)) this.#nudge?.();
    });
  }

  stop(): void {
    this.#nudge = undefined;
    this.#stir = undefined;
    clearTimeout(this.#settling);
    this.#watchOnly(new Set());
  }

  #watchOnly(folders: ReadonlySet<string>): void {
    for (const folder of this.#watchers.keys()) if (!folders.has(folder)) this.#unwatch(folder);
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      this.#watchers.set(
        folder,
        watch(folder, () => this.#touch(folder)).on('error', () => {}),
      );
    } catch {
      // No such folder yet, or no watch left: signals and the next look by itself see to it.
    }
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #touch(folder: string): void {
    this.#touched.add(folder);
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      // A folder may have been replaced by another of its name: watched anew before it is read.
      for (const touched of this.#touched) {
        this.#unwatch(touched);
        this.#watch(touched);
      }
      this.#touched.clear();
      this.#nudge?.();
    }, QUIET);
  }

  #isNews(event: ManagerEvent): boolean {
    switch (event.kind) {
      case 'unit-changed': {
        const rest = this.#read.get(event.unit);
        if (rest === undefined) return false;
        if (event.active === 'inactive' || event.active === 'failed') return rest !== 'down';
        return event.active === 'active' && rest !== 'up';
      }
      case 'unit-files-changed':
      case 'reloaded':
      case 'back':
        return true;
      default:
        return false;
    }
  }
}

/** Where a unit stays until something happens: `between` the two it comes to rest by itself, and it matters where. */
type Rest = 'up' | 'between' | 'down';

function restOf(run: Run): Rest {
  switch (run.kind) {
    case 'running':
    case 'starting':
      return 'up';
    case 'backoff':
    case 'stopping':
      return 'between';
    case 'stopped':
    case 'exited':
    case 'fatal':
    case 'held':
      return 'down';
    default:
      return unreachable(run);
  }
}
