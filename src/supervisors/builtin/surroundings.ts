import type { Monitor } from '../../health/health.ts';
import type { ServiceId } from '../../model.ts';
import type { WhoListens } from '../../restarts/local-port.ts';
import type { Restarts } from '../../restarts/restarts.ts';
import type { BuiltinEvent } from './events.ts';
import type { Scanner } from './scan.ts';
import type { Scopes } from './scopes.ts';
import type { Starts } from './starts.ts';

/** What all services of a supervisor share. */
export interface Surroundings {
  readonly owner: string;
  /** The folder of all services' folders. */
  readonly services: string;
  /** The folder of logs that no service says another place for. */
  readonly logDir: string;
  /** Keeps services alive; else only carries out steps. */
  readonly supervise: boolean;
  readonly monitor: Monitor;
  /** Does a person want it left alone, so that it stays down once it ends? */
  readonly isHeld: (id: ServiceId) => boolean;
  /** Says whether and when one that has ended is started again. */
  readonly restarts: Restarts;
  readonly whoListens: WhoListens | undefined;
  readonly scanner: Scanner;
  readonly starts: Starts;
  /** Where services are to be parted from the daemon. */
  readonly scopes: Scopes | undefined;
  readonly emit: (event: BuiltinEvent) => void;
}
