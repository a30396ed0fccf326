import type { Instance } from '../../instance.ts';
import type { Actual, ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';

/** Where one supervisord is to be found, and what its configuration says besides our programs. */
export interface Place {
  readonly config: string;
  readonly address: Address;
  readonly pidFile: string | undefined;
  /** Where it tells what happens; undefined where it is no file. */
  readonly log: string | undefined;
  /** Why its configuration can't be read. */
  readonly problem?: Problem;
  /** What makes it unsafe to speak to. */
  readonly unsafe: readonly Problem[];
  readonly remarks: readonly Problem[];
  /** The programs of others, by name, with the file and line that declares each. */
  readonly programs: ReadonlyMap<ServiceId, string>;
  /** Programs in a native group that others wrote. */
  readonly groups: ReadonlyMap<ServiceId, NonNullable<Actual['neighbours']>>;
}
