import type { Manager } from './manager.ts';

/** How often systemd has restarted a unit by itself whose main process is this one. */
export type RestartsOf = (manager: Manager, unit: string, pid: number) => Promise<number>;

/**
 * As long as the process is the same, so is the count: it is asked for once. Of a thousand units that is what a status by
 * systemd would take longest for. Only who sets it back by hand (`systemctl reset-failed` of what runs) is seen later.
 */
export function createKnownRestarts(): RestartsOf {
  const known = new Map<string, { readonly pid: number; readonly restarts: number }>();
  return async (manager, unit, pid) => {
    const before = known.get(unit);
    if (before?.pid === pid) return before.restarts;
    const restarts = await manager.property(unit, 'NRestarts');
    if (pid > 0) known.set(unit, { pid, restarts });
    return restarts;
  };
}
