import type { ServiceId } from '../../model.ts';
import type { WhoListens } from '../../restarts/local-port.ts';
import { check } from './check.ts';
import { localPorts } from './local-ports.ts';
import type { Settings } from './settings.ts';

/** ms. How often it is looked whether what was missing is there again. */
export const MENDED = 5000;

export interface HopelessMeans {
  readonly owner: string;
  /** The folder of logs that no service says another place for. */
  readonly logDir: string;
  /** Absent: nobody looks. */
  readonly whoListens?: WhoListens | undefined;
}

/** Those of a supervisor that are down for good until something is mended: looked at now and then. */
export class Hopeless implements Disposable {
  readonly #means: HopelessMeans;
  readonly #mended: (id: ServiceId) => void;
  readonly #down = new Map<ServiceId, Settings>();
  #timer: NodeJS.Timeout | undefined;

  constructor(means: HopelessMeans, mended: (id: ServiceId) => void) {
    this.#means = means;
    this.#mended = mended;
  }

  /** Why no start of it can go well; undefined where one may. */
  why(id: ServiceId, settings: Settings): Promise<string | undefined> {
    return whyHopeless(this.#means, id, settings).catch(() => undefined);
  }

  /** These are down for that, and no others. */
  follow(down: ReadonlyMap<ServiceId, Settings>): void {
    this.#down.clear();
    for (const [id, settings] of down) this.#down.set(id, settings);
    if (this.#down.size === 0) clearTimeout(this.#timer);
    else this.#timer ??= setTimeout(() => void this.#look(), MENDED);
    if (this.#down.size === 0) this.#timer = undefined;
  }

  async #look(): Promise<void> {
    for (const [id, settings] of [...this.#down]) {
      const reason = await this.why(id, settings);
      if (reason === undefined && this.#down.delete(id)) this.#mended(id);
    }
    this.#timer = undefined;
    this.follow(new Map(this.#down));
  }

  [Symbol.dispose](): void {
    this.follow(new Map());
  }
}

/**
 * Why no start of a service can go well as things are now: its command, user or folder is missing, or somebody else has its
 * port. Undefined where nothing is known to stand in the way. Asked of what is down, and reads only.
 */
export async function whyHopeless(
  { owner, logDir, whoListens }: HopelessMeans,
  id: ServiceId,
  settings: Settings,
): Promise<string | undefined> {
  const problem = await check({ id, file: '' }, settings, logDir);
  if (problem !== undefined) return problem.summary.replace(`cannot start ${id}: `, '');
  const ports = localPorts(settings.probes);
  return ports.length === 0 ? undefined : whoListens?.(ports, owner, id);
}
