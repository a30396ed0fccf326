import type { Suspect } from '../health/suspects.ts';
import type { ServiceId } from '../model.ts';

/**
 * Whether it has to be waited for before a service is judged by its own probes: what it depends on may have gone down at
 * the same time, and is not known to be down yet. It is waited no longer than that takes to be known.
 */
export interface Suspicion {
  /** Asks now. Never rejects. */
  isOpen(id: ServiceId): Promise<boolean>;
  /** It is well, or what it waits for is known. */
  end(id: ServiceId): void;
}

export function createSuspicion(suspectsOf: (id: ServiceId) => Promise<readonly Suspect[]>): Suspicion {
  /** Since when (ms since the epoch). */
  const open = new Map<ServiceId, number>();
  return {
    isOpen: async (id) => {
      const suspects = await suspectsOf(id).catch((): readonly Suspect[] => []);
      if (suspects.length === 0) {
        open.delete(id);
        return false;
      }
      const since = open.get(id) ?? Date.now();
      open.set(id, since);
      return suspects.some(({ within }) => Date.now() < since + within);
    },
    end: (id) => void open.delete(id),
  };
}
