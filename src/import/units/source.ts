import type { UnitName } from '../../supervisors/systemd/unit-name.ts';
import type { Ignored, UnitLine } from './text.ts';

/** What a manager has for units that say nothing else (systemd-system.conf(5)), in microseconds. */
export interface ManagerDefaults {
  readonly stopTimeout: number;
  readonly restartDelay: number;
  readonly startLimitInterval: number;
  readonly startLimitBurst: number;
}

/** systemd's own. */
export const MANAGER_DEFAULTS: ManagerDefaults = {
  stopTimeout: 90e6,
  restartDelay: 100e3,
  startLimitInterval: 10e6,
  startLimitBurst: 5,
};

/** A unit as systemd has it of its files: all lines of the main one, then those of its drop-ins in their order. */
export interface UnitSource {
  readonly name: UnitName;
  readonly manager: 'system' | 'user';
  /** Of its main file. */
  readonly path: string;
  readonly lines: readonly UnitLine[];
  readonly ignored: readonly Ignored[];
  readonly defaults: ManagerDefaults;
  /** What it pulls in by links that go by its name. */
  readonly pullsIn: readonly (readonly [directive: string, unit: string])[];
}

/** A line of `raw.systemd`. */
export type RawLine = readonly [section: string, key: string, value: string];
