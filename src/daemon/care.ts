import type { Config } from '../config.ts';
import { readStopped, saveStopped } from '../control/stopped.ts';
import type { Monitor } from '../health/health.ts';
import type { Desired, ServiceId } from '../model.ts';
import { Failure } from '../problem.ts';
import type { Back } from '../request.ts';
import type { Restarts } from '../restarts/restarts.ts';
import { readBook } from '../verify/book.ts';
import { digestOf } from '../verify/digest.ts';
import { lastOtherwise } from '../verify/otherwise.ts';
import { soakingOf } from '../verify/sight.ts';
import type { Suspicion } from './suspicion.ts';
import { createUnwell, type Unwell, type UnwellEvent } from './unwell.ts';

export interface CareMeans {
  readonly monitor: Monitor;
  readonly restarts: Restarts;
  /** What was applied last. */
  readonly desired: () => Desired | undefined;
  readonly causeOf: (id: ServiceId) => { readonly on: string } | undefined;
  readonly loadAt: (commit: string) => Promise<Desired>;
  readonly suspicion: Suspicion;
  /** Runs a task while nothing is applied. */
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  /** Applies with a service as it was at that commit, until the next one. */
  readonly goBack: (back: Back) => Promise<unknown>;
  readonly nudge: (cause: string) => void;
  readonly tell: (event: UnwellEvent) => void;
}

/** Takes care of services whose probes fail, with what this host and Git know of them. */
export function takeCare({ stateDir }: Pick<Config, 'stateDir'>, means: CareMeans): Unwell {
  const { desired } = means;
  const serviceOf = (id: ServiceId) => desired()?.services.find((service) => service.id === id);
  return createUnwell({
    ...means,
    isSoaking: (id) => {
      const now = desired();
      try {
        return now !== undefined && soakingOf(readBook(stateDir), now).some(({ service }) => service.id === id);
      } catch (error) {
        // Damaged: then nothing is verified, and every run tells of it.
        if (error instanceof Failure) return false;
        throw error;
      }
    },
    isObserved: (id) => {
      const mode = serviceOf(id)?.written.mode ?? desired()?.policy.written.mode;
      return mode === 'observe';
    },
    stop: (id, { probe, why, pid }) =>
      means.inTurn(async () => {
        const service = serviceOf(id);
        if (service === undefined) return;
        const before = readStopped(stateDir);
        const stopped = { probe, why, pid, at: Date.now(), digest: digestOf(service) };
        saveStopped(stateDir, before, { ...before, [id]: stopped });
      }),
    rollBack: async (id, probe) => {
      const now = desired();
      if (now === undefined) return 'nothing is known of what Git says';
      if (now.quarantined?.has(id)) return 'it is not as Git says already';
      if (now.revision.commit === undefined) return 'no commit of the desired state is known';
      const commit = await lastOtherwise(now, readBook(stateDir), id, means.loadAt);
      if (commit === undefined) return 'no earlier commit is known at which it was otherwise and all was well';
      await means.goBack({ commit, only: [id], by: `its probe ${probe}` });
      return undefined;
    },
  });
}
