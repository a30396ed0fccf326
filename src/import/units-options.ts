import type { Found } from './found.ts';

/** What of systemd's is to be read: `importUnits` in units.ts takes it. */
export interface UnitsOptions {
  /** The host's own manager, or that of the user who asks. */
  readonly manager: 'system' | 'user';
  /**
   * Names of units or patterns of them (`web`, `web.service`, `worker@3.service`, `web-*`). Absent: the services that
   * somebody has set up here, which are those whose file no package brought, and those of packages that were enabled.
   */
  readonly units?: readonly string[];
  /**
   * What becomes of a unit that a package or a generator brought: `state` leaves its file alone (`unit: nginx.service`),
   * `rewritten` makes it a unit of ours, of which later versions of the package are no part. Default: state.
   */
  readonly packaged?: 'state' | 'rewritten';
  /** Rewrites even what a host can't be without, which is else managed by its state. Nothing lets it be taken over. */
  readonly vital?: boolean;
  /** Folders of unit files in systemd's order. Default: those of the manager. */
  readonly folders?: readonly string[];
  /** The one of them that units of ours are in. Default: the manager's. */
  readonly unitDir?: string;
}

/**
 * Reads units of this host, each with all its drop-ins; asks systemd, where one answers, which run. One that a name asks
 * for and that is not there is refused as the others; nothing throws for a unit's sake.
 */
export type ImportUnits = (options: UnitsOptions) => Promise<readonly Found[]>;
