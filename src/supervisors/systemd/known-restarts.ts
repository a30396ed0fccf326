import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { readIfThere, writeAtomic } from '../../host/files.ts';
import { bootId, type ProcessRef } from '../../host/procfs.ts';
import type { Manager } from './manager.ts';

/** How often systemd has restarted units by itself, by what was asked before. */
export interface KnownRestarts {
  /** Of a unit with this main process; undefined where it has none. */
  of(manager: Manager, unit: string, process: ProcessRef | undefined): Promise<number>;
  /** Writes down what was asked anew. What can't be written is asked again. */
  save(): void;
}

interface Known extends ProcessRef {
  readonly restarts: number;
}

const File = z.object({
  version: z.literal(1),
  boot: z.string(),
  /** By unit: its main process's pid and start, and the count. */
  units: z.record(z.string(), z.tuple([z.number(), z.number(), z.number()])),
});

/**
 * As long as the process is the same, so is the count: it is asked for once, by whoever looks first. Of a thousand units that
 * is what a status by systemd would take longest for. Only who sets it back by hand (`systemctl reset-failed` of what runs) is
 * seen later. Without a file it is known as long as this lives.
 */
export function createKnownRestarts(file: string | undefined): KnownRestarts {
  let known: Map<string, Known> | undefined;
  let changed = false;
  return {
    async of(manager, unit, process) {
      known ??= read(file);
      const before = known.get(unit);
      if (process !== undefined && before?.pid === process.pid && before.start === process.start)
        return before.restarts;
      const restarts = await manager.property(unit, 'NRestarts');
      if (process !== undefined) {
        known.set(unit, { pid: process.pid, start: process.start, restarts });
        changed = true;
      }
      return restarts;
    },
    save() {
      if (!changed || file === undefined || known === undefined) return;
      changed = false;
      const units = Object.fromEntries(
        [...known].map(([unit, { pid, start, restarts }]) => [unit, [pid, start, restarts]]),
      );
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        writeAtomic(file, JSON.stringify({ version: 1, boot: bootId(), units }));
      } catch {
        // As it was.
      }
    },
  };
}

function read(file: string | undefined): Map<string, Known> {
  try {
    const { boot, units } = File.parse(JSON.parse((file === undefined ? undefined : readIfThere(file)) ?? 'null'));
    if (boot !== bootId()) return new Map();
    return new Map(Object.entries(units).map(([unit, [pid, start, restarts]]) => [unit, { pid, start, restarts }]));
  } catch {
    return new Map();
  }
}
