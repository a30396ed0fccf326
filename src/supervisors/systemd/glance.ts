import type { Manager } from './manager.ts';

/** What mostly is all one wants to know of a unit. */
export interface Glance {
  readonly active: string;
  readonly sub: string;
  /** 0 where it has none. */
  readonly pid: number;
  /** Restarts by systemd since it was last started. */
  readonly restarts: number;
  /** When its main process began (ms since the epoch); 0 for never. */
  readonly began: number;
}

/**
 * A few properties in place of all: systemd works out some of those anew after each reload, at 5 ms a unit, which at a
 * thousand starts would cost more than the starts.
 */
export async function glance(manager: Manager, unit: string): Promise<Glance> {
  const [active, sub, pid, restarts, began] = await Promise.all([
    manager.property(unit, 'ActiveState'),
    manager.property(unit, 'SubState'),
    manager.property(unit, 'MainPID'),
    manager.property(unit, 'NRestarts'),
    manager.property(unit, 'ExecMainStartTimestamp'),
  ]);
  return { active, sub, pid, restarts, began: Math.floor(began / 1000) };
}

/** It has a process, or is about to have one. */
export function isUp({ active }: Pick<Glance, 'active'>): boolean {
  return active === 'active' || active === 'activating' || active === 'reloading';
}
