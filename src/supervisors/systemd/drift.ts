import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Actual } from '../../model.ts';
import type { Manager, ManagerEvent } from './manager.ts';
import { unitOfId } from './names.ts';
import { bootLink } from './prepare.ts';
import type { Observer } from './sight.ts';

/** Something else than what was read last may be so: carries no content. */
type Nudge = () => void;

/**
 * Notices what may have drifted: systemd's signals about units that matter, and changes in the folders of unit files,
 * which systemd does not tell of. What goes to and fro within one reading's truth, such as a restart, nudges nobody.
 */
export class Drift {
  /** What was read last, by unit: does it have a process? */
  #read = new Map<string, boolean>();
  #nudge: Nudge | undefined;
  #watchers: FSWatcher[] = [];
  #watching: Manager | undefined;

  /** A reading: what it says is no news. */
  follow(objects: readonly Actual[]): void {
    this.#read = new Map(
      objects.map((actual) => {
        const { run, definition, id } = actual;
        const unit = definition.fields?.unit;
        return [typeof unit === 'string' ? unit : unitOfId(id), run.kind === 'running' || run.kind === 'starting'];
      }),
    );
  }

  start(observer: Pick<Observer, 'scope' | 'unitDir'>, nudge: Nudge): void {
    this.#nudge = nudge;
    const folders = [
      observer.unitDir,
      dirname(bootLink({ manager: observer.scope, unitDir: observer.unitDir }, 'any')),
    ];
    this.#watchers = folders.flatMap((folder) => {
      try {
        return [watch(folder, () => nudge()).on('error', () => {})];
      } catch {
        // No such folder yet, or no watch left: signals and the next look by itself see to it.
        return [];
      }
    });
  }

  /** From now on this connection's signals are heard. */
  hear(manager: Manager): void {
    if (this.#watching === manager) return;
    this.#watching = manager;
    manager.watch((event) => this.#isNews(event) && this.#nudge?.());
  }

  stop(): void {
    this.#nudge = undefined;
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #isNews(event: ManagerEvent): boolean {
    switch (event.kind) {
      case 'unit-changed': {
        const up = this.#read.get(event.unit);
        if (up === undefined) return false;
        if (event.active === 'inactive' || event.active === 'failed') return up;
        return event.active === 'active' && !up;
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
